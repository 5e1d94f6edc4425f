/** Something stands in the way that no repeat removes. The message is for the customer; `things` names what it is. */
export class CannotBeCarried extends Error {
  override readonly name = "CannotBeCarried";
  readonly things: readonly string[];

  constructor(things: readonly string[], message = "These cannot be carried to another place") {
    super(`${message}: ${shortened(things)}.`);
    this.things = things;
  }
}

/** What arrived is not what was sent. */
export class CopyDiffers extends Error {
  override readonly name = "CopyDiffers";
  readonly tables: readonly string[];

  constructor(tables: readonly string[]) {
    super(`The copy differs from what was copied: ${shortened(tables)}.`);
    this.tables = tables;
  }
}

const MOST_NAMED = 50;

function shortened(things: readonly string[]): string {
  const more = things.length - MOST_NAMED;
  return `${things.slice(0, MOST_NAMED).join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}
