import pg from "pg";
import { onDatabase } from "../cluster.ts";
import { type Outcome, ownOnly, refused, type TenantProbe } from "./probe.ts";
import type { Kind, World } from "./world.ts";

const all: readonly Kind[] = ["pool", "reader", "bridge", "silo"];
const shared: readonly Kind[] = ["pool", "reader", "bridge"];
const ownerOf = ({ env, a }: World, kind: Kind) => `${env}_${a[kind].id}${kind === "reader" ? "_ro" : ""}`;
const schemaOfB = ({ env, b }: World) => `${env}_${b.bridge.id}`;
const siloOfB = ({ env, b }: World) => `${env}_${b.silo.id}`;

/** Closed on a server of ours; on a given one that is its administrator's matter. */
const alwaysThere = process.env["TEST_DATABASE_URL"] === undefined ? ["postgres", "template1"] : [];

/** The code with which a's login is refused there; undefined when it gets in. */
async function entering(w: World, kind: Kind, database: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: onDatabase(w.a[kind].url, database) });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select 1");
    return undefined;
  } catch (fault) {
    return (fault as pg.DatabaseError).code;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function closed(w: World, kind: Kind, databases: readonly string[]): Promise<Outcome> {
  for (const database of databases) {
    const code = await entering(w, kind, database);
    if (code !== "42501") return `leak: ${database} answered ${code ?? "the login"}`;
  }
  return "refused";
}

/** Other schemas, other databases, and what an own place must not be used for. */
export const places: readonly TenantProbe[] = [
  {
    name: "the schema of another",
    as: shared,
    run: async (s, w): Promise<Outcome> => {
      const statements = [
        `select * from ${schemaOfB(w)}.mine`,
        `table ${schemaOfB(w)}.mine`,
        `select '${schemaOfB(w)}.mine'::regclass::oid::regclass, (select count(*) from ${schemaOfB(w)}.mine)`,
      ];
      const outcome = await ownOnly(s, w, [...statements, `set search_path = ${schemaOfB(w)}; select * from mine`]);
      return outcome === "refused" ? refused(s, statements) : outcome;
    },
    flaw: (w, kind) =>
      `grant usage on schema ${schemaOfB(w)} to ${ownerOf(w, kind)}; grant select on ${schemaOfB(w)}.mine to ${ownerOf(w, kind)}`,
    mend: (w, kind) =>
      `revoke all on schema ${schemaOfB(w)} from ${ownerOf(w, kind)}; revoke all on ${schemaOfB(w)}.mine from ${ownerOf(w, kind)}`,
  },
  {
    name: "making and dropping things in the schema of another",
    as: shared,
    run: (s, w) =>
      refused(
        s,
        [
          `create table ${schemaOfB(w)}.planted (n int)`,
          `drop table ${schemaOfB(w)}.mine`,
          `drop schema ${schemaOfB(w)} cascade`,
          `alter schema ${schemaOfB(w)} rename to mine`,
          `grant usage on schema ${schemaOfB(w)} to public`,
          `create function ${schemaOfB(w)}.now() returns int language sql as 'select 1'`,
        ].map((sql) => `begin read write; ${sql}`),
      ),
    flaw: (w, kind) => `grant usage, create on schema ${schemaOfB(w)} to ${ownerOf(w, kind)}`,
    mend: (w, kind) => `revoke all on schema ${schemaOfB(w)} from ${ownerOf(w, kind)}`,
  },
  {
    name: "shared tables, from a schema of its own",
    as: ["bridge"],
    run: (s, w) =>
      refused(s, [
        "select * from public.orders",
        "select * from public.order_list",
        "select public.order_items()",
        "insert into public.lines default values",
        `select ${w.env}_stallholder.tenant() from public.orders`,
      ]),
    flaw: (w, kind) =>
      `grant usage on schema public to ${ownerOf(w, kind)}; grant select on orders to ${ownerOf(w, kind)}`,
    mend: (w, kind) =>
      `revoke usage on schema public from ${ownerOf(w, kind)}; revoke all on orders from ${ownerOf(w, kind)}`,
  },
  {
    name: "open its own schema to everybody",
    as: ["bridge"],
    run: (s, w) => {
      const own = `${w.env}_${w.a.bridge.id}`;
      return refused(s, [
        `comment on schema ${own} is 'x'`,
        `alter schema ${own} rename to mine`,
        `drop schema ${own}`,
        `alter schema ${own} owner to ${w.env}_connect`,
        `create schema ${own}_too`,
      ]);
    },
    flaw: (w) => `alter schema ${w.env}_${w.a.bridge.id} owner to ${w.env}_${w.a.bridge.id}`,
    mend: (w) =>
      `comment on schema ${w.env}_${w.a.bridge.id} is null; alter schema ${w.env}_${w.a.bridge.id} owner to stallholder_tenants;
       grant usage, create on schema ${w.env}_${w.a.bridge.id} to ${w.env}_${w.a.bridge.id}`,
  },
  {
    name: "a trap in its own schema for whoever comes by",
    as: ["bridge"],
    run: async (s, w): Promise<Outcome> => {
      await s.attempt(
        "create or replace function now() returns timestamptz language sql as $$ select 'epoch'::timestamptz $$; create table if not exists orders (tenant_id text, item text)",
      );
      const [row] = await w.look<{ trapped: boolean }>(
        "select now() = 'epoch' or to_regclass('orders') <> to_regclass('public.orders') as trapped",
      );
      await s.attempt("drop function now(); drop table orders");
      return row?.trapped ? "leak: the superuser calls what a made" : "own rows";
    },
    flaw: (w) => `set search_path = ${w.env}_${w.a.bridge.id}, pg_catalog, public`,
    mend: () => "reset search_path",
  },
  {
    name: "the database of another",
    as: all,
    run: (s, w) => closed(w, s.kind, [siloOfB(w)]),
    flaw: (w, kind) => `grant connect on database ${siloOfB(w)} to ${w.a[kind].role}`,
    mend: (w, kind) => `revoke connect on database ${siloOfB(w)} from ${w.a[kind].role}`,
  },
  {
    name: "the database of this service, and those that every server has",
    as: all,
    run: (s, w) => closed(w, s.kind, [w.place.shop.database.name, ...alwaysThere]),
    flaw: (w, kind) => `grant connect on database ${w.place.shop.database.name} to ${w.a[kind].role}`,
    mend: (w, kind) => `revoke connect on database ${w.place.shop.database.name} from ${w.a[kind].role}`,
  },
  {
    name: "the shared database, from a database of its own",
    as: ["silo"],
    run: (s, w) => closed(w, s.kind, [w.shared]),
    flaw: (w, kind) => `grant connect on database ${w.shared} to ${w.a[kind].role}`,
    mend: (w, kind) => `revoke connect on database ${w.shared} from ${w.a[kind].role}`,
  },
  {
    name: "change or clone a database",
    as: all,
    run: (s, w) =>
      refused(s, [
        `comment on database ${siloOfB(w)} is 'x'`,
        `create database mine template ${siloOfB(w)}`,
        `alter database ${siloOfB(w)} rename to mine`,
        `drop database ${siloOfB(w)}`,
        `alter database ${w.shared} set search_path = x`,
        `grant connect on database ${siloOfB(w)} to public`,
      ]),
    flaw: (w, kind) => `alter database ${siloOfB(w)} owner to ${ownerOf(w, kind)}`,
    mend: (w) => `comment on database ${siloOfB(w)} is null; alter database ${siloOfB(w)} owner to stallholder_tenants;
      grant connect, temp on database ${siloOfB(w)} to ${w.env}_${w.b.silo.id}`,
  },
];
