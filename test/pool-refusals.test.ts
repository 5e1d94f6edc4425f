import type pg from "pg";
import { connect, type Database } from "../src/db/db.ts";
import type { PoolPlan } from "../src/isolation/pool/plan.ts";
import { isolateTable } from "../src/isolation/pool/pool.ts";
import { open, type TenantServer, tenantServer } from "./support/tenant-server.ts";

let server: TenantServer;
let admin: Database;
let superuser: pg.Client;
let vendor: pg.Client;
let env: string;

beforeAll(async () => {
  server = await tenantServer();
  env = server.environment;
  admin = connect({ url: server.server.url, connections: 1 });
  [superuser, vendor] = await Promise.all([open(server.server.superuserUrl), open(server.vendor.url)]);
});

afterAll(async () => {
  await Promise.all([superuser.end(), vendor.end(), admin.close()]);
  await server.drop();
});

interface More {
  readonly column?: string;
  readonly vendors?: readonly string[];
  readonly excused?: readonly string[];
  readonly environment?: string;
}

function isolate(table: string, more: More = {}): Promise<PoolPlan> {
  const { column = "tenant_id", vendors = [], excused = [], environment = env } = more;
  return isolateTable(admin, { environment, table, column, vendors, excused }, false);
}

const told = ({ faults }: PoolPlan): string[] => faults.map(({ at, message }) => `${at} ${message}`);

/** Everything of the catalogue that the command could change. */
async function catalogue(): Promise<unknown> {
  const { rows } = await superuser.query(
    `select c.oid::regclass::text as name, c.relacl::text, c.relrowsecurity, c.relforcerowsecurity,
       array(select polname::text from pg_policy where polrelid = c.oid order by 1) as policies,
       array(select indexrelid::regclass::text from pg_index where indrelid = c.oid order by 1) as indexes,
       array(select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = c.oid order by 1) as defaults
     from pg_class c where relnamespace = 'public'::regnamespace order by 1`,
  );
  return rows;
}

type Planted = readonly [what: string, sql: string, as: "vendor" | "superuser", said: RegExp, more?: More];

/** What each of these makes of a sound table named `t`, and what is said about it. */
const planted: readonly (readonly [
  what: string,
  sql: string,
  as: "vendor" | "superuser",
  said: RegExp,
  more?: More,
])[] = [
  [
    "a column that may be null",
    "alter table t alter tenant_id drop not null",
    "vendor",
    /tenant_id may be null: .*alter table public.t alter tenant_id set not null/,
  ],
  [
    "a column of numbers",
    "alter table t drop tenant_id; alter table t add tenant_id bigint not null",
    "vendor",
    /tenant_id is of type bigint, which cannot hold/,
  ],
  [
    "a column of uuids",
    "alter table t drop tenant_id; alter table t add tenant_id uuid not null",
    "vendor",
    /is of type uuid, which cannot hold/,
  ],
  [
    "a column too short",
    "alter table t alter tenant_id type varchar(25)",
    "vendor",
    /is of type character varying\(25\), which cannot hold/,
  ],
  [
    "a padded column",
    "alter table t alter tenant_id type char(26)",
    "vendor",
    /is of type character\(26\), which cannot hold/,
  ],
  [
    "a column that takes capitals for small letters",
    `create collation blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
     alter table t alter tenant_id type text collate blind`,
    "vendor",
    /inexact collation blind/,
  ],
  [
    "a default of its own",
    "alter table t alter tenant_id set default 'x'",
    "vendor",
    /has the default 'x'::text: drop it/,
  ],
  [
    "an owner that is a tenant",
    "alter table t owner to TENANT",
    "superuser",
    /^public.t belongs to .*, which tenants can act as/,
  ],
  [
    "an owner that is their group",
    "alter table t owner to GROUP",
    "superuser",
    /^public.t belongs to .*, which tenants can act as/,
  ],
  [
    "an owner that tenants are members of",
    "alter table t owner to CLUB",
    "superuser",
    /^public.t belongs to .*, which tenants can act as/,
  ],
  [
    "an owner that is a superuser",
    "alter table t owner to postgres",
    "superuser",
    /^public.t belongs to postgres, which no policy binds/,
  ],
  [
    "an owner we are no member of",
    "alter table t owner to STRANGER",
    "superuser",
    /_stranger, and the login of TENANT_DATABASE_URL, .*stallholder_tenants, may not change it/,
  ],
  [
    "a key without the tenant",
    "alter table t add primary key (id)",
    "vendor",
    /^public.t_pkey is unique over all tenants/,
  ],
  [
    "a unique index on an expression",
    "create unique index named on t (lower(item))",
    "vendor",
    /^public.named is unique over all tenants/,
  ],
  [
    "an exclusion",
    "alter table t add constraint apart exclude (item with =)",
    "vendor",
    /^public.apart is unique over all tenants/,
  ],
  [
    "a reference to another table of tenants by one column",
    "create table parents (tenant_id text, id uuid primary key); alter table t add constraint child foreign key (id) references parents (id)",
    "vendor",
    /^child on public.t refers to public.parents without the tenant's column/,
  ],
  [
    "a reference from elsewhere by one column",
    "create unique index whole on t (id); create table children (id uuid references t (id))",
    "vendor",
    /^children_id_fkey on public.children refers to public.t without/,
    { excused: ["whole"] },
  ],
  [
    "a view",
    "create view seen as select * from t; grant select on seen to GROUP",
    "vendor",
    /^public.seen is a view that reads with the rights of/,
  ],
  [
    "a view of a superuser",
    "create view seen as select * from t; grant select on seen to public",
    "superuser",
    /rights of postgres, whom no policy binds/,
  ],
  [
    "a view of a view",
    "create view v as select * from t; create view seen as select * from v; grant select on seen to CLUB",
    "superuser",
    /^public.seen is a view/,
  ],
  [
    "a view of which one column is given",
    "create view seen as select * from t; grant select (item) on seen to TENANT",
    "superuser",
    /^public.seen is a view/,
  ],
  [
    "a materialized view",
    "create materialized view kept as select * from t; grant select on kept to GROUP",
    "vendor",
    /^public.kept is a materialized view: a copy/,
  ],
  ["a rule", "create rule also as on insert to t do also notify t", "vendor", /^also on public.t is a rule/],
  [
    "a rule of another table",
    "create table others (n int); grant insert on others to GROUP; create rule wipe as on insert to others do also delete from t",
    "vendor",
    /^wipe on public.others is a rule/,
  ],
  [
    "a function that reads it with its owner's rights",
    "create function all_items() returns setof text language sql security definer as 'select item from t'",
    "vendor",
    /^public.all_items\(\) reads public.t with the rights of .*tenants may call it/,
  ],
  [
    "the same with a parsed body",
    "create function all_items() returns bigint language sql security definer begin atomic select count(*) from t; end",
    "vendor",
    /^public.all_items\(\) reads public.t with the rights of/,
  ],
  ["TRUNCATE", "grant truncate on t to GROUP", "vendor", /gives TRUNCATE to .*, which goes past row level security/],
  ["REFERENCES", "grant references on t to TENANT", "superuser", /gives REFERENCES to/],
  ["TRIGGER", "grant trigger on t to CLUB", "superuser", /gives TRIGGER to/],
  [
    "a grant to everybody",
    "grant select on t to public",
    "vendor",
    /gives SELECT to everybody: revoke all on public.t from public/,
  ],
  ["a column for everybody", "grant select (item) on t to public", "vendor", /gives SELECT to everybody/],
  [
    "a serial number",
    "alter table t add n serial",
    "vendor",
    /^public.t.n takes its default from the sequence public.t_n_seq/,
  ],
  [
    "a sequence that is readable",
    "alter table t add n int generated always as identity; grant select on sequence t_n_seq to GROUP",
    "vendor",
    /^public.t_n_seq is a sequence that counts over all tenants/,
  ],
  [
    "a policy of its own",
    "create policy shared on t using (item = 'shared')",
    "vendor",
    /^shared on public.t is a permissive policy of its own/,
  ],
  [
    "a child that inherits",
    "create table heirs () inherits (t)",
    "vendor",
    /^public.heirs inherits from public.t: its rows/,
  ],
  [
    "a parent",
    "create table parents (n int); alter table t add n int; alter table t inherit parents",
    "vendor",
    /^public.t inherits from public.parents/,
  ],
  [
    "an app role that is not there",
    "select",
    "vendor",
    /^nobody_here there is no such role/,
    { vendors: ["nobody_here"] },
  ],
  ["an app role that is a superuser", "select", "vendor", /^postgres is bound by no policy/, { vendors: ["postgres"] }],
];

describe("a table that cannot be put under the wall", () => {
  const sound = "create table t (tenant_id text not null, id uuid not null default gen_random_uuid(), item text)";

  beforeAll(async () => {
    await superuser.query(`create role ${env}_club; grant ${env}_club to ${env}_tenants; create role ${env}_stranger;
      grant create on schema public to ${env}_club, ${env}_tenants, ${env}_stranger, ${env}_${server.a.id}`);
  });

  const filled = (sql: string): string =>
    sql
      .replaceAll("TENANT", `${env}_${server.a.id}`)
      .replaceAll("GROUP", `${env}_tenants`)
      .replaceAll("CLUB", `${env}_club`)
      .replaceAll("STRANGER", `${env}_stranger`);

  afterEach(async () => {
    await superuser.query(`drop view if exists other; drop table if exists t, parents, children, others, heirs cascade;
      drop function if exists all_items; drop collation if exists blind`);
  });

  test.each(planted)("because of %s is refused with the reason, and left as it was", async (...row) => {
    const [, sql, as, said, more] = row as unknown as Planted;
    await vendor.query(sound);
    await (as === "vendor" ? vendor : superuser).query(filled(sql));
    const before = await catalogue();
    const plan = await isolate("t", more);
    expect(told(plan)).toEqual([expect.stringMatching(said)]);
    expect(plan.statements).toEqual([]);
    expect(await catalogue()).toEqual(before);
  });

  test("for many reasons is refused with all of them at once", async () => {
    await vendor.query(`create table t (tenant_id int, id serial primary key, item text unique);
      grant all on t to public; create view seen as select * from t; grant select on seen to public;
      create policy open on t using (true)`);
    const plan = await isolate("t", { vendors: ["postgres", "nobody_here"] });
    expect(plan.faults.length).toBeGreaterThan(12);
    for (const word of [
      "nobody_here",
      "bound by no policy",
      "is of type integer",
      "may be null",
      "t_pkey",
      "t_item_key",
      "is a view",
      "serial",
      "TRUNCATE",
      "SELECT to everybody",
      "open on public.t",
    ]) {
      expect(told(plan).join("\n")).toContain(word === "serial" ? "takes its default from the sequence" : word);
    }
  });

  test("is told from one that is not there, or is none", async () => {
    await vendor.query(`${sound}; create view other as select * from t`);
    expect(told(await isolate("nowhere"))).toEqual(["nowhere there is no such table"]);
    expect(told(await isolate("a.b.c.d; drop table t"))).toEqual([expect.stringContaining("there is no such table")]);
    expect(told(await isolate("t", { column: "customer" }))).toEqual(["t has no column customer"]);
    expect(told(await isolate("other"))).toEqual([expect.stringContaining("is a view")]);
    expect(told(await isolate("pg_catalog.pg_class", { column: "relname" }))).toEqual([
      expect.stringContaining("belongs to PostgreSQL"),
    ]);
    expect(told(await isolate("t", { environment: "elsewhere" }))).toEqual([
      expect.stringMatching(/^elsewhere_stallholder.tenant\(\) is missing/),
      expect.stringMatching(/^elsewhere_tenants is missing/),
      expect.stringMatching(/^elsewhere_tenants_read is missing/),
    ]);
  });

  test("may be, where what is unique is excused by name; later checks remember that", async () => {
    await vendor.query(`${sound}; alter table t add primary key (id)`);
    expect((await isolate("t", { excused: ["t_pkey"] })).faults).toEqual([]);
    expect(await isolate("t")).toEqual({ table: "public.t", statements: [], faults: [] });
  });

  test("may be, with what is sound beside it: safe views, closed ones, shared lists, keys with the tenant, identities", async () => {
    await vendor.query(`create table t (tenant_id varchar not null, id int generated always as identity, country text, parent int,
        primary key (id, tenant_id), foreign key (parent, tenant_id) references t (id, tenant_id));
      create table others (country text primary key); alter table t add foreign key (country) references others;
      create view seen with (security_invoker = true) as select * from t; grant select on seen to ${env}_tenants;
      create view mine as select * from t; create function all_items() returns bigint language sql as 'select count(*) from t';
      create policy narrow on t as restrictive using (country <> 'x')`);
    expect((await isolate("t")).faults).toEqual([]);
    expect((await isolate("t")).statements).toEqual([]);
  });
});
