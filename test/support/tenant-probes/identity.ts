import { open } from "../tenant-server.ts";
import { type Outcome, ownOnly, refused, type TenantProbe } from "./probe.ts";
import type { Kind, World } from "./world.ts";

const all: readonly Kind[] = ["pool", "reader", "bridge", "silo"];
const ownerOf = ({ env, a }: World, kind: Kind) => `${env}_${a[kind].id}${kind === "reader" ? "_ro" : ""}`;
const theirs = ({ env, b }: World, kind: Kind) => `${env}_${b[kind].id}`;
const everything = "select * from orders";
const bySetting = "(tenant_id = nullif(current_setting('app.tenant_id', true), ''))";

/** Being taken for somebody else. */
export const identity: readonly TenantProbe[] = [
  {
    name: "SET ROLE to b's owner, reader and login",
    as: all,
    run: (s, w) =>
      refused(
        s,
        [theirs(w, s.kind), `${theirs(w, s.kind)}_ro`, w.b[s.kind].role].map((role) => `set role ${role}`),
      ),
    flaw: (w, kind) => `grant ${theirs(w, kind)} to ${w.a[kind].role}`,
    mend: (w, kind) => `revoke ${theirs(w, kind)} from ${w.a[kind].role}`,
  },
  {
    name: "SET ROLE to every role there is",
    as: all,
    run: async (s, w): Promise<Outcome> => {
      const mine = [w.a[s.kind].role, ownerOf(w, s.kind)];
      const groups = ["connect", "tenants", "tenants_read"].map((group) => `${w.env}_${group}`);
      const roles = await w.look<{ name: string }>("select quote_ident(rolname) as name from pg_roles");
      const others = roles.map(({ name }) => name).filter((name) => ![...mine, ...groups].includes(name));
      return refused(
        s,
        others.map((name) => `set role ${name}`),
        ["42501", "22023"],
      );
    },
    flaw: (w, kind) => `grant pg_read_all_data to ${w.a[kind].role}`,
    mend: (w, kind) => `revoke pg_read_all_data from ${w.a[kind].role}`,
  },
  {
    name: "SET SESSION AUTHORIZATION",
    as: all,
    run: (s, w) =>
      refused(
        s,
        [w.b[s.kind].role, "postgres"].map((role) => `set session authorization ${role}`),
      ),
    flaw: (w, kind) => `alter role ${w.a[kind].role} superuser`,
    mend: (w, kind) => `alter role ${w.a[kind].role} nosuperuser`,
  },
  {
    name: "set app.tenant_id to b",
    as: ["pool", "reader"],
    run: (s, w) =>
      ownOnly(s, w, [
        `set app.tenant_id = '${w.b.pool.id}'; ${everything}`,
        `begin; set local app.tenant_id = '${w.b.pool.id}'; ${everything}; commit`,
        `with x as materialized (select set_config('app.tenant_id', '${w.b.pool.id}', false)) select o.* from x, orders o`,
      ]),
    flaw: ({ env }) =>
      `alter policy ${env}_wall on orders using ${bySetting}; alter policy ${env}_vendor on orders to public`,
    mend: ({
      env,
    }) => `alter policy ${env}_wall on orders using (tenant_id = coalesce(${env}_stallholder.tenant(), nullif(current_setting('app.tenant_id', true), '')));
      alter policy ${env}_vendor on orders to ${env}_shop`,
  },
  {
    name: "set app.tenant_id as it connects",
    as: ["pool", "reader"],
    run: async (s, w): Promise<Outcome> => {
      const url = new URL(w.a[s.kind].url);
      url.searchParams.set("options", `-c app.tenant_id=${w.b.pool.id}`);
      const client = await open(url.href);
      const { rows } = await client.query(everything);
      await client.end();
      return JSON.stringify(rows).includes(w.canary) ? "leak: it is believed" : "own rows";
    },
    flaw: ({ env }) =>
      `alter policy ${env}_wall on orders using ${bySetting}; alter policy ${env}_vendor on orders to public`,
    mend: ({
      env,
    }) => `alter policy ${env}_wall on orders using (tenant_id = coalesce(${env}_stallholder.tenant(), nullif(current_setting('app.tenant_id', true), '')));
      alter policy ${env}_vendor on orders to ${env}_shop`,
  },
  {
    name: "leave the role it acts as",
    as: ["pool", "reader"],
    run: (s, w) =>
      ownOnly(s, w, [
        `reset role; ${everything}`,
        `set role none; ${everything}`,
        `set role ${w.env}_tenants; ${everything}`,
        `reset all; ${everything}`,
        `discard all; ${everything}`,
      ]),
    flaw: ({
      env,
    }) => `create policy careless on orders to ${env}_tenants, ${env}_tenants_read using (current_user ~ 'tenants$' or session_user = current_user or true);
      alter policy ${env}_wall on orders using (true)`,
    mend: ({ env }) => `drop policy careless on orders;
      alter policy ${env}_wall on orders using (tenant_id = coalesce(${env}_stallholder.tenant(), nullif(current_setting('app.tenant_id', true), '')))`,
  },
  {
    name: "row_security off",
    as: ["pool", "reader"],
    run: (s) => refused(s, [`set row_security = off; ${everything}`]),
    flaw: (w) => `alter role ${w.env}_${w.a.pool.id} bypassrls; alter role ${w.env}_${w.a.pool.id}_ro bypassrls`,
    mend: (w) => `alter role ${w.env}_${w.a.pool.id} nobypassrls; alter role ${w.env}_${w.a.pool.id}_ro nobypassrls`,
  },
  {
    name: "a search path with own things first",
    as: ["pool", "reader"],
    run: (s, w) =>
      refused(
        s,
        [
          "create schema mine",
          `create schema ${ownerOf(w, s.kind)}`,
          "create table public.countries2 (code text)",
          "create function public.tenant() returns text language sql as $$ select 'x' $$",
          `create or replace function ${w.env}_stallholder.tenant() returns text language sql as $$ select '${w.b.pool.id}' $$`,
          "create operator public.= (function = texteq, leftarg = text, rightarg = text)",
          "set search_path = pg_temp, public; create table pg_temp.orders (item text)",
        ].map((sql) => `begin read write; ${sql}`),
      ),
    flaw: ({ env }) => `grant create on schema public to ${env}_tenants, ${env}_tenants_read`,
    mend: ({ env }) => `revoke create on schema public from ${env}_tenants, ${env}_tenants_read`,
  },
  {
    name: "replace what tells who asks",
    as: ["pool", "reader", "bridge"],
    run: (s, w) =>
      refused(
        s,
        [
          `create or replace function ${w.env}_stallholder.tenant() returns text language sql as $$ select '${w.b.pool.id}' $$`,
          `alter function ${w.env}_stallholder.tenant() rename to other`,
          `drop function ${w.env}_stallholder.tenant()`,
          `create function ${w.env}_stallholder.other() returns int language sql as 'select 1'`,
        ].map((sql) => `begin read write; ${sql}`),
      ),
    flaw: (w, kind) =>
      `alter function ${w.env}_stallholder.tenant() owner to ${ownerOf(w, kind)}; grant create on schema ${w.env}_stallholder to ${ownerOf(w, kind)}`,
    mend: (w, kind) =>
      `alter function ${w.env}_stallholder.tenant() owner to postgres; revoke create on schema ${w.env}_stallholder from ${ownerOf(w, kind)}`,
  },
  {
    name: "give itself more",
    as: all,
    run: (s, w) =>
      refused(s, [
        `alter role ${w.a[s.kind].role} connection limit -1`,
        `alter role ${w.a[s.kind].role} superuser`,
        `alter role ${w.a[s.kind].role} bypassrls`,
        `alter role ${w.a[s.kind].role} valid until 'infinity'`,
        `grant ${w.env}_tenants to ${w.a[s.kind].role} with admin option`,
        "create role another login",
        "set session_replication_role = replica",
        "alter system set row_security = off",
      ]),
    flaw: (w, kind) => `alter role ${ownerOf(w, kind)} createrole; alter role ${w.a[kind].role} superuser`,
    mend: (w, kind) =>
      `alter role ${ownerOf(w, kind)} nocreaterole; alter role ${w.a[kind].role} nosuperuser connection limit 5;
      revoke ${w.env}_tenants from ${w.a[kind].role}; drop role if exists another`,
  },
  {
    name: "change b's login",
    as: all,
    run: (s, w) =>
      refused(s, [
        `alter role ${w.b[s.kind].role} set work_mem = '1MB'`,
        `alter role ${w.b[s.kind].role} password 'x'`,
        `alter role ${w.b[s.kind].role} set search_path = pg_temp`,
        `alter role ${w.b[s.kind].role} rename to another`,
        `drop role ${w.b[s.kind].role}`,
        `drop owned by ${theirs(w, s.kind)}`,
        `reassign owned by ${theirs(w, s.kind)} to ${ownerOf(w, s.kind)}`,
      ]),
    flaw: (w, kind) => `alter role ${w.a[kind].role} superuser; alter role ${ownerOf(w, kind)} superuser`,
    mend: (w, kind) => `alter role ${w.a[kind].role} nosuperuser; alter role ${ownerOf(w, kind)} nosuperuser;
      alter role ${w.b[kind].role} reset work_mem`,
  },
];
