import { setTimeout as sleep } from "node:timers/promises";
import { open } from "../tenant-server.ts";
import { type Outcome, ownOnly, refused, type TenantProbe } from "./probe.ts";
import type { Kind, World } from "./world.ts";

const all: readonly Kind[] = ["pool", "reader", "bridge", "silo"];
const shared: readonly Kind[] = ["pool", "reader", "bridge"];
const ownerOf = ({ env, a }: World, kind: Kind) => `${env}_${a[kind].id}${kind === "reader" ? "_ro" : ""}`;
/** Both what it logs in as and what it acts as. */
const mighty = (might: string) => (w: World, kind: Kind) =>
  `alter role ${w.a[kind].role} ${might}; alter role ${ownerOf(w, kind)} ${might}`;
const member = (group: string) => ({
  flaw: (w: World, kind: Kind) => `grant ${group} to ${ownerOf(w, kind)}`,
  mend: (w: World, kind: Kind) => `revoke ${group} from ${ownerOf(w, kind)}`,
});
const superuser = { flaw: mighty("superuser"), mend: mighty("nosuperuser") };
const execute = (functions: string) => ({
  flaw: (w: World, kind: Kind) => `grant execute on function ${functions} to ${ownerOf(w, kind)}`,
  mend: (w: World, kind: Kind) => `revoke execute on function ${functions} from ${ownerOf(w, kind)}`,
});

/** The server beneath: files, programs, sessions, locks, large objects. */
export const server: readonly TenantProbe[] = [
  {
    name: "COPY to and from a program",
    as: all,
    run: (s) =>
      refused(s, [
        "copy (select 1) to program 'true'",
        "do $$ begin execute 'copy (select 1) to program ''true'''; end $$",
      ]),
    ...member("pg_execute_server_program"),
  },
  {
    name: "COPY to a file",
    as: all,
    run: (s) => refused(s, ["copy (select 1) to '/dev/null'"]),
    ...member("pg_write_server_files"),
  },
  {
    name: "read files of the server",
    as: all,
    run: (s) =>
      refused(s, [
        "select pg_read_file('PG_VERSION')",
        "select pg_read_binary_file('PG_VERSION')",
        "select pg_ls_dir('.')",
        "select pg_stat_file('PG_VERSION')",
        "select lo_import('/etc/hostname')",
        "select pg_ls_logdir()",
      ]),
    ...superuser,
  },
  {
    name: "make a leakproof function, or declare the vendor's so",
    as: all,
    run: (s) =>
      refused(
        s,
        [
          "begin read write; create function mine(text) returns boolean language sql leakproof as 'select true'",
          "begin read write; create function pg_temp.mine(text) returns boolean language sql leakproof as 'select true'",
          "begin read write; alter function sly(text) leakproof",
        ],
        ["42501", "42883"],
      ),
    ...superuser,
  },
  {
    name: "large objects",
    as: shared,
    run: (s) =>
      refused(s, [
        "select lo_create(0)",
        "select lo_get(4711)",
        "select lo_from_bytea(0, '\\x00')",
        "select lo_unlink(4711)",
        "select loread(lo_open(4711, 262144), 10)",
      ]),
    ...execute("lo_create(oid)"),
  },
  {
    name: "temporary tables",
    as: shared,
    run: (s) =>
      refused(s, [
        "begin read write; create temp table orders (item text)",
        "begin read write; create temp sequence x",
        "select 1 into temp x",
      ]),
    flaw: (w, kind) => `grant temp on database ${w.shared} to ${ownerOf(w, kind)}`,
    mend: (w, kind) => `revoke temp on database ${w.shared} from ${ownerOf(w, kind)}`,
  },
  {
    name: "advisory locks",
    as: shared,
    run: (s) =>
      refused(s, [
        "select pg_advisory_lock(7355609)",
        "select pg_try_advisory_lock(1, 1)",
        "select pg_advisory_xact_lock_shared(1)",
        "select pg_advisory_unlock_all()",
      ]),
    ...execute("pg_advisory_lock(bigint)"),
  },
  {
    name: "what b's sessions ask",
    as: all,
    run: async (s, w): Promise<Outcome> => {
      const other = await open(w.b[s.kind].url);
      await other.query(`select '${w.canary}'`);
      const outcome = await ownOnly(s, w, [
        "select query from pg_stat_activity",
        "select * from pg_stat_get_activity(null)",
      ]);
      await other.end();
      return outcome;
    },
    ...member("pg_read_all_stats"),
  },
  {
    name: "end b's sessions",
    as: all,
    run: async (s, w): Promise<Outcome> => {
      const other = await open(w.b[s.kind].url);
      const { rows } = await other.query("select pg_backend_pid() as pid");
      const outcome = await refused(s, [
        `select pg_cancel_backend(${rows[0].pid})`,
        `select pg_terminate_backend(${rows[0].pid})`,
      ]);
      await other.end().catch(() => undefined);
      return outcome;
    },
    ...member("pg_signal_backend"),
  },
  {
    name: "passwords and private catalogues",
    as: all,
    run: (s) =>
      refused(s, [
        "select rolpassword from pg_authid",
        "select passwd from pg_shadow",
        "select * from pg_user_mapping",
        "select * from pg_largeobject",
        "select * from pg_hba_file_rules",
        "select * from pg_file_settings",
        "select subconninfo from pg_subscription",
        "select * from pg_backend_memory_contexts",
        "select * from pg_shmem_allocations",
      ]),
    ...superuser,
  },
  {
    name: "names of customers in the catalogues",
    as: all,
    run: (s, w) =>
      ownOnly(s, w, [
        "select * from pg_roles",
        "select * from pg_database",
        "select * from pg_namespace",
        "select * from pg_class",
        "select * from pg_description",
        "select * from pg_shdescription",
        "select * from pg_db_role_setting",
        "select * from pg_policies",
        "select * from pg_seclabels",
        "select * from information_schema.columns",
        "select * from pg_locks",
        "select * from pg_prepared_xacts",
        "select * from pg_settings",
      ]),
    flaw: ({ canary, env, b }, kind) => `comment on role ${env}_${b[kind].id} is '${canary}'`,
    mend: ({ env, b }, kind) => `comment on role ${env}_${b[kind].id} is null`,
  },
  {
    name: "what is told by NOTIFY when b writes",
    as: shared,
    run: async (s, w): Promise<Outcome> => {
      await s.attempt("listen stallholder_due; listen stallholder; listen orders");
      const other = await open(w.b.pool.url);
      await other.query(`insert into orders (id, item) values (gen_random_uuid(), '${w.canary}')`);
      await other.end();
      await sleep(20);
      return ownOnly(s, w, ["select 1 as nothing"]);
    },
    flaw: () => `create function public.tells() returns trigger language plpgsql as
        $$ begin perform pg_notify('orders', new.item); return new; end $$;
      create trigger tells after insert on orders for each row execute function public.tells()`,
    mend: () => "drop function public.tells() cascade",
  },
  {
    name: "extensions, schemas, servers, publications, languages",
    as: shared,
    run: (s) =>
      refused(
        s,
        [
          "create schema mine",
          "create extension pg_trgm",
          "create extension dblink",

          "create publication mine",
          "create foreign data wrapper mine",
          "create server mine foreign data wrapper dummy",
          "create language plperlu",
          "create event trigger mine on ddl_command_end execute function suppress_redundant_updates_trigger()",
          "select pg_create_logical_replication_slot('x', 'test_decoding')",
          "load 'auto_explain'",
          "create tablespace mine location '/tmp'",
          "create database mine",
        ].map((sql) => `set default_transaction_read_only = off; ${sql}`),
        ["42501", "42704", "0A000", "58P01", "25006", "55000", "25001"],
      ),
    flaw: (w, kind) => `grant create on database ${w.shared} to ${ownerOf(w, kind)}`,
    mend: (w, kind) =>
      `drop schema if exists mine; drop publication if exists mine; revoke create on database ${w.shared} from ${ownerOf(w, kind)}`,
  },
  {
    name: "more connections than the plan has",
    as: ["pool"],
    run: async (s, w): Promise<Outcome> => {
      const opened = await Promise.allSettled(Array.from({ length: 6 }, () => open(w.a[s.kind].url)));
      const clients = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
      await Promise.all(clients.map((client) => client.end()));
      const codes = opened.flatMap((one) => (one.status === "rejected" ? [one.reason.code] : []));
      return codes.length === 0
        ? "leak: six more sessions"
        : codes.every((code) => code === "53300")
          ? "refused"
          : `leak: ${codes}`;
    },
    flaw: (w, kind) => `alter role ${w.a[kind].role} connection limit -1`,
    mend: (w, kind) => `alter role ${w.a[kind].role} connection limit 5`,
  },
];
