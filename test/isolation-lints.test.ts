import type pg from "pg";
import { lintControl } from "../src/isolation/lints/lints.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { open } from "./support/tenant-server.ts";

let home: TestDatabase;
let superuser: pg.Client;

beforeAll(async () => {
  home = await ownDatabase();
  superuser = await open(home.superuserUrl);
});

afterAll(async () => {
  await superuser.end();
  await home.drop();
});

/** What the lints say of our own database, with this planted in it. */
async function said(planted = ""): Promise<string[]> {
  try {
    await superuser.query(`begin; ${planted}`);
    const findings = await lintControl(
      async <Row extends object>(text: string, values: readonly unknown[] = []) =>
        (await superuser.query<Row>(text, [...values])).rows,
    );
    return findings.map(({ rule, at }) => `${rule} ${at}`);
  } finally {
    await superuser.query("rollback");
  }
}

const OTHER = "create table other (tenant_id text not null, id uuid)";
const WALLED = `${OTHER}; select wall('other', 'tenant_id'); grant select, insert on other to stallholder_app`;

const planted: readonly (readonly [sql: string, said: string])[] = [
  [OTHER, "not-walled other"],
  ["alter table tenants no force row level security", "not-walled tenants"],
  ["alter table audit_entries disable row level security", "not-walled audit_entries"],
  ["alter table credentials owner to stallholder_app", "owner credentials"],
  ["alter table credentials owner to postgres", "owner credentials"],
  [
    "create table other (tenant_id varchar(10) not null); select wall('other', 'tenant_id')",
    "column-type other.tenant_id",
  ],
  ["create unique index felt on operations (id)", "unique felt"],
  [
    `${WALLED}; create unique index felt on operations (id); alter table other add constraint felt_too foreign key (id) references operations (id)`,
    "foreign-key felt_too on other",
  ],
  ["create view seen as select * from tenants; grant select on seen to stallholder_app", "view seen"],
  [
    "create materialized view kept as select * from tenants; grant select on kept to stallholder_app",
    "materialized-view kept",
  ],
  ["create rule also as on insert to tenants do also notify t", "rule also on tenants"],
  ["grant truncate on tenants to stallholder_app", "table-right tenants"],
  ["grant references on tenants to usage_writer", "table-right tenants"],
  ["grant trigger on tenants to public", "table-right tenants"],
  ["grant select on tenants to public", "table-public tenants"],
  [
    `${WALLED}; alter table other add n int generated always as identity; grant usage on sequence other_n_seq to stallholder_app`,
    "sequence other_n_seq",
  ],
  [`${WALLED}; alter table other add n serial`, "serial other.n"],
  ["create policy shared on tenants for select using (true)", "true-policy shared on tenants"],
  [`${WALLED}; create table heir () inherits (other); select wall('heir', 'tenant_id')`, "inheritance heir"],
  ["alter role stallholder_app bypassrls", "mighty-role stallholder_app"],
  ["alter role usage_writer createrole", "mighty-role usage_writer"],
  ["grant pg_read_all_data to stallholder_app", "mighty-role pg_read_all_data"],
  ["create role mighty superuser; grant mighty to stallholder_app", "mighty-role mighty"],
  ["create sequence theirs; alter sequence theirs owner to stallholder_app", "owned theirs"],
  ["alter function find_key(text) reset search_path", "pinned-path find_key(text)"],
  ["alter function find_key(text) set search_path = pg_temp, public", "pinned-path find_key(text)"],
  ["alter function find_key(text) owner to postgres", "mighty-function find_key(text)"],
  ["alter function this_tenant() immutable", "frozen-setting this_tenant()"],
  [
    "create function sly(text, text) returns boolean language sql leakproof as 'select $1 = $2'; revoke all on function sly from public",
    "leakproof sly(text,text)",
  ],
  [`grant temp on database DATABASE to public`, "public-database DATABASE"],
  ["grant create on schema public to public", "public-schema public"],
  ["create schema mine; grant create on schema mine to stallholder_app", "public-schema mine"],
  ["grant select on migrations to public", "public-relation migrations"],
  ["create function odd() returns int language sql as 'select 1'", "public-function odd()"],
  ["alter default privileges in schema public grant select on tables to stallholder_app", "public-default public"],
  ["alter default privileges grant select on tables to public", 'public-default "(every schema)"'],
  [
    "create foreign data wrapper far; create server far foreign data wrapper far; grant usage on foreign server far to stallholder_app",
    "foreign-server far",
  ],
  ["create view seen as select * from workers; grant select on seen to usage_writer", "copies seen"],
];

describe("the lints of the catalogue", () => {
  test("find nothing in our own database as it is migrated", async () => {
    expect(await said()).toEqual([]);
  });

  test.each(planted)("find %s", async (sql, finding) => {
    const named = (text: string): string => text.replace("DATABASE", home.name).replaceAll('"', "");
    expect(await said(named(sql))).toContain(named(finding));
  });
});
