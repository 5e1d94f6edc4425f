import { dropping } from "./logins.ts";
import { together, within } from "./session.ts";
import { asMaker, type Site, take } from "./site.ts";
import { clearTraces } from "./traces.ts";

/**
 * A schema of the administrator's in which the tenant's owner makes what it likes. As it is not the owner's, the customer
 * can neither drop nor rename it nor let others in.
 */
export async function makeBridge(site: Site): Promise<void> {
  await together(site.session, [
    `create schema if not exists ${site.names.schema}`,
    ...rights(site, site.names.schema),
  ]);
}

/** What owner and reader may do in the schema of their objects. */
export function rights({ names: { owner, reader } }: Pick<Site, "names">, schema: string): readonly string[] {
  return [
    `grant usage, create on schema ${schema} to ${owner}`,
    `grant usage on schema ${schema} to ${reader}`,
    `alter default privileges for role ${owner} in schema ${schema} grant select on tables to ${reader}`,
  ];
}

/** A database of the tenant's, into which the owner is let when it is ready. */
export async function makeSilo(site: Site): Promise<void> {
  const { session, names } = site;
  await makeClosedSilo(site);
  await session.run(
    `grant connect on database ${names.database} to ${names.reader}; grant connect, temporary on database ${names.database} to ${names.owner}`,
  );
}

/** It is born closed, so that at no moment PUBLIC may connect. */
export async function makeClosedSilo(site: Site): Promise<void> {
  const { session, names } = site;
  const database = names.database;
  const there = await session.run("select from pg_database where datname = $1", [database]);
  if (there.length === 0) {
    await session.run(`create database ${database} template template0 allow_connections false`);
  }
  await together(session, [
    `revoke all on database ${database} from public`,
    `alter database ${database} allow_connections true`,
  ]);
  await within(site.open, database, (inside) =>
    together(inside, [
      "revoke all on schema public from public",
      // In the same text: a settlement that ends meanwhile gives back what was taken before.
      ...take(site, [names.owner, names.reader]),
      ...rights(site, "public"),
    ]),
  );
}

/** Takes away what there is of a tenant, data first, so that whatever is left shows whose it was. */
export async function removeEverything(site: Site, roles: readonly string[]): Promise<void> {
  const { session, names } = site;
  await session.run(`drop database if exists ${names.database} with (force)`);
  await session.run(`drop schema if exists ${[names.schema, names.arriving, names.leaving].join(", ")} cascade`);
  const left = [names.owner, names.reader].filter((role) => roles.includes(role));
  if (left.length === 0) return;
  await together(session, take(site, left));
  await clearTraces(
    site,
    left,
    left.map((role) => `drop owned by ${role} cascade`),
  );
  await together(session, asMaker(site, dropping(left)));
}
