import type { Discrepancy, ListedDatabase } from "../isolation/databases/databases.ts";
import { givesDatabases } from "../provider/databases.ts";
import { restoreDatabase } from "../provider/restore-database.ts";
import { movesOf } from "./database-moves.ts";
import { thisOperator } from "./operator-database.ts";
import { withDatabases } from "./with-databases.ts";

interface Options {
  readonly json?: boolean;
}

const FOUND = 1;

/** What every tenant has on the tenants' server, as our own rows say. */
export async function list({ json }: Options): Promise<void> {
  await withDatabases("list", async ({ databases }) => {
    for await (const one of databases.list()) {
      process.stdout.write(json ? `${JSON.stringify(one)}\n` : listed(one));
    }
  });
}

function listed(one: ListedDatabase): string {
  const model = one.wanted === one.model ? (one.model ?? "-") : `${one.model} → ${one.wanted}`;
  const notes = [
    one.over === undefined ? undefined : `beyond the ${one.over} mark`,
    ...movesOf(one),
    one.keptUntil === undefined ? undefined : `kept until ${one.keptUntil.toISOString()}`,
    one.isSettled || one.fault === undefined ? undefined : `tried ${one.attempts} times: ${one.fault}`,
  ];
  const cells = [
    one.tenant,
    one.plan.padEnd(12),
    model.padEnd(6),
    (one.state ?? "none").padEnd(9),
    sizeOf(one).padStart(12),
  ];
  return `${[...cells, ...notes.filter((note) => note !== undefined)].join("  ").trimEnd()}\n`;
}

/** The server knows how large a schema or a database is, and not whose rows a table of the pool holds. */
function sizeOf({ model, bytes, state }: ListedDatabase): string {
  if (model === "pool") return state === undefined || state === "removed" ? "" : "not measured";
  return bytes === undefined ? "" : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** Looks for what lies there for nobody and for what a tenant lacks. Exit code 1 when something is found. */
export async function check({ json }: Options): Promise<void> {
  await withDatabases("check", async ({ databases, declarations }) => {
    const found = await databases.check(givesDatabases({ declarations }));
    const open = await databases.openness();
    if (json) process.stdout.write(`${JSON.stringify({ found, open })}\n`);
    else
      process.stdout.write(
        `${lines(found, "Every tenant has what it should have, and nothing is left over.")}${notes(open)}`,
      );
    if (found.length > 0) process.exitCode = FOUND;
  });
}

/** Mends what is safe. Exit code 1 when something is left for a person. */
export async function repair({ json }: Options): Promise<void> {
  await withDatabases("repair", async ({ databases, declarations }) => {
    const { mended, left } = await databases.repair(givesDatabases({ declarations }));
    if (json) process.stdout.write(`${JSON.stringify({ mended, left })}\n`);
    else {
      const done = mended.map(({ is, name }) => `  mended: ${is} ${name}\n`).join("");
      process.stdout.write(`${done}${lines(left, "Nothing is left to be mended.")}`);
    }
    if (left.length > 0) process.exitCode = FOUND;
  });
}

interface RestoreOptions extends Options {
  readonly days: number;
}

/** Opens the data of a deprovisioned tenant again, and prints how to get in: this once. */
export async function restore(tenant: string, { days, json }: RestoreOptions): Promise<void> {
  await withDatabases("restore", async (parts) => {
    const by = thisOperator();
    const { url, until } = await restoreDatabase(parts, { tenant, days, by, at: parts.clock.now() });
    process.stdout.write(
      json
        ? `${JSON.stringify({ url, until })}\n`
        : `${url}\n\nIt opens the data until ${until.toISOString()} and is not shown again. Then they are removed, unless they are restored once more.\n`,
    );
  });
}

function lines(found: readonly Discrepancy[], none: string): string {
  if (found.length === 0) return `${none}\n`;
  return found.map(({ is, name, says }) => `✘ ${is} ${name}: ${says}\n`).join("");
}

const notes = (open: readonly string[]): string => open.map((note) => `! ${note}\n`).join("");
