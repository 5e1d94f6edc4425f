import { randomBytes } from "node:crypto";
import type { Place } from "../../copy/copy.ts";
import { type Model, mintLogin } from "../names.ts";
import { scramVerifier } from "../scram.ts";
import { literal, together } from "../session.ts";
import { asMaker, type Site } from "../site.ts";

/** A login that works on a move as the tenant: whatever customers' definitions do, they do to their own data. */
export interface WorkingLogin {
  readonly role: string;
  readonly password: string;
}

export function mintWorkingLogin({ environment }: Site["environment"], tenant: string): WorkingLogin {
  return { role: mintLogin(environment, tenant), password: randomBytes(24).toString("base64url") };
}

const CONNECTIONS = 8;

/** Makes the login and lets it into every place the tenant has, or is to have. A settlement drops it when it is forgotten. */
export async function makeWorkingLogin(site: Site, { role, password }: WorkingLogin): Promise<void> {
  const { session, names, environment } = site;
  const verifier = literal(await scramVerifier(password));
  const silo = await session.run("select from pg_database where datname = $1", [names.database]);
  const made = [
    `create role ${role} login inherit connection limit ${CONNECTIONS} password ${verifier}`,
    `grant ${names.owner}, ${environment.tenants} to ${role}`,
  ];
  await together(session, [
    ...asMaker(site, made),
    ...(silo.length > 0 ? [`grant connect on database ${names.database} to ${role}`] : []),
  ]);
}

/** Where the tenant's data are in a model, or come to be: `arriving` is where they are made before anybody sees them. */
export function placeFor(site: Site, url: string, login: WorkingLogin, model: Model, arriving = false): Place {
  const { names, environment, shared } = site;
  const database = model === "silo" ? names.database : shared;
  const own = new URL(url);
  own.username = login.role;
  own.password = login.password;
  own.pathname = `/${encodeURIComponent(database)}`;
  const place = { url: own.href, owner: names.owner };
  if (model === "silo") return { ...place, schema: "public" };
  if (arriving) return { ...place, schema: names.arriving };
  return model === "bridge"
    ? { ...place, schema: names.schema }
    : { ...place, tenantFunction: `${environment.schema}.tenant()` };
}
