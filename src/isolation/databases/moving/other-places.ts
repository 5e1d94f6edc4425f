import type { Model } from "../names.ts";
import { makeClosedSilo, rights } from "../places.ts";
import { together } from "../session.ts";
import { giveBack, type Site, take } from "../site.ts";

/**
 * Where a tenant's data are made before they are in force: a database that nobody may enter yet, or a schema under
 * another name. Unqualified names of a customer would otherwise reach it through "$user" before its time.
 */
export async function makeArrival(site: Site, model: Model, worker: string): Promise<void> {
  const { session, names } = site;
  await removeArrival(site, model);
  if (model === "silo") {
    await makeClosedSilo(site);
    await session.run(`grant connect on database ${names.database} to ${worker}`);
    return;
  }
  const { owner, reader, arriving } = names;
  await together(session, [
    `create schema ${arriving}`,
    ...take(site, [owner, reader]),
    ...rights(site, arriving),
    ...giveBack(site, [owner, reader]),
  ]);
}

/** Of a model that is not in force. */
export async function removeArrival({ session, names }: Site, model: Model): Promise<void> {
  await session.run(
    model === "silo"
      ? `drop database if exists ${names.database} with (force)`
      : `drop schema if exists ${names.arriving} cascade`,
  );
}

/** Removes what is kept of a model that is no longer in force. Rows of shared tables go through the tenant's wall. */
export async function removeKept({ session, names }: Site, model: "bridge" | "silo"): Promise<void> {
  await session.run(
    model === "silo"
      ? `drop database if exists ${names.database} with (force)`
      : `drop schema if exists ${names.leaving} cascade`,
  );
}

/**
 * Closes the places of models that are not in force: whoever still has the old address is refused there, and writes
 * nothing that would be lost.
 */
export async function putAside({ session, names }: Site, inForce: Model): Promise<void> {
  const { owner, reader, schema, arriving, leaving, database } = names;
  const there = await session.run<{ name: string }>(
    `select nspname::text as name from pg_namespace where nspname = any($1)
     union all select 'database' from pg_database where datname = $2`,
    [[schema, arriving, leaving], database],
  );
  const has = (name: string): boolean => there.some((one) => one.name === name);
  if (inForce !== "bridge" && has(schema)) {
    await together(session, [
      `drop schema if exists ${leaving} cascade`,
      `alter schema ${schema} rename to ${leaving}`,
      `revoke all on schema ${leaving} from ${owner}, ${reader}`,
    ]);
  }
  if (inForce === "bridge" && has(arriving) && !has(schema)) {
    await session.run(`alter schema ${arriving} rename to ${schema}`);
  }
  if (inForce !== "silo" && has("database")) {
    await session.run(`revoke all on database ${database} from ${owner}, ${reader}`);
  }
}

/** Moves a sequence of shared tables on, and never back: it is held while it is read and set. */
export async function moveOn(
  { session }: Site,
  { sequence, increment, last }: { readonly sequence: string; readonly increment: string; readonly last: string },
): Promise<void> {
  const further = increment.startsWith("-") ? "least" : "greatest";
  await session.run(
    `begin; alter sequence ${sequence} increment by ${increment};
     select setval('${sequence.replaceAll("'", "''")}', ${further}(last_value, ${last}), true) from ${sequence}
       where ${further}(last_value, ${last}) <> last_value; commit`,
  );
}
