import { type About, type Fact, facts } from "../inbox/fact.ts";

/** One thing that was said of a licence. */
export interface Said {
  readonly fact: Fact;
  /** When it happened over there. */
  readonly at: Date;
  readonly receivedAt: Date;
  readonly about: About;
}

export type LicenceState = "unknown" | "active" | "ending" | "ended" | "failed";

/** Where a licence stands by all that was said of it. */
export interface Standing {
  readonly state: LicenceState;
  /** Since when it has been active without a break; kept when it ends. */
  readonly startedAt: Date | undefined;
  /** The first notice of the end: from here an hour is left for its last usage. */
  readonly endedAt: Date | undefined;
  readonly endReason: string | undefined;
  /** When we heard of the end. */
  readonly endHeardAt: Date | undefined;
  /** The agreement goes on in another one: the end of this licence is not the customer's. */
  readonly superseded: boolean;
  /** Its agreement has said that it ends, and why. */
  readonly explained: boolean;
  /** Of the newest agreement event: NEW, RENEW, REPLACE. */
  readonly intent: string | undefined;
  readonly trial: boolean;
  /** AWS has told of the licence by itself. */
  readonly told: boolean;
  /** When the last thing was heard. */
  readonly heardAt: Date | undefined;
}

const nothing: Standing = {
  state: "unknown",
  startedAt: undefined,
  endedAt: undefined,
  endReason: undefined,
  endHeardAt: undefined,
  superseded: false,
  explained: false,
  intent: undefined,
  trial: false,
  told: false,
  heardAt: undefined,
};

/**
 * Where a licence stands: the whole history is gone through in the order in which it happened, however it arrived. So
 * what comes late, again or out of order cannot overwrite what is newer: the same set of messages always gives the same.
 * `startsByChange`: a contract of the older generation may begin with nothing but "entitlements updated".
 */
export function standingOf(history: readonly Said[], { startsByChange = false } = {}): Standing {
  return [...history].sort(inOrder).reduce((standing, said) => next(standing, said, startsByChange), nothing);
}

/** Of the same moment, beginnings come before ends. */
function inOrder(one: Said, other: Said): number {
  return one.at.getTime() - other.at.getTime() || facts.indexOf(one.fact) - facts.indexOf(other.fact);
}

function next(before: Standing, said: Said, startsByChange: boolean): Standing {
  const standing = {
    ...before,
    heardAt: later(before.heardAt, said.receivedAt),
    trial: before.trial || said.about.trial === true,
    told: before.told || (said.fact === "began" && said.about.swept !== true),
  };
  switch (said.fact) {
    case "agreed":
      return { ...standing, intent: said.about.intent ?? standing.intent };
    case "began":
      return begun(standing, said);
    case "changed":
      return startsByChange && before.state === "unknown" ? begun(standing, said) : standing;
    case "superseded":
      return { ...standing, superseded: true, explained: true };
    case "failed":
      return { ...end(standing, said, "failed"), endReason: "payment failed", explained: true };
    case "ending":
      return before.state === "ended" ? { ...standing, explained: true } : ending(standing, said);
    case "ended":
      return end(standing, said, "ended");
  }
}

/** Also takes an end back that was only announced: usage between the two is nobody's to pay. */
function begun(standing: Standing, { at }: Said): Standing {
  return {
    ...standing,
    state: "active",
    startedAt: standing.state === "active" ? standing.startedAt : at,
    endedAt: undefined,
    endReason: undefined,
    endHeardAt: undefined,
    // An agreement that goes on in another one does not come back because its licence is spoken of once more.
    superseded: standing.state === "active" && standing.superseded,
    explained: standing.state === "active" && standing.explained,
  };
}

function ending(standing: Standing, said: Said): Standing {
  return { ...end(standing, said, "ending"), explained: true };
}

/** The first notice of an end says when it was. */
function end(standing: Standing, { at, receivedAt, about }: Said, state: LicenceState): Standing {
  return {
    ...standing,
    state,
    endedAt: standing.endedAt ?? at,
    endReason: standing.endReason ?? about.status?.toLowerCase() ?? (state === "ending" ? "unsubscribed" : "ended"),
    endHeardAt: standing.endHeardAt ?? receivedAt,
  };
}

const later = (one: Date | undefined, other: Date): Date => (one !== undefined && one > other ? one : other);
