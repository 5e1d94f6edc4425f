import { ownCount, ownOnly, refused, type TenantProbe, unchanged, unfelt } from "./probe.ts";
import type { World } from "./world.ts";

const unwalled = (table = "orders") => `alter table ${table} disable row level security`;
const walled = (table = "orders") => `alter table ${table} enable row level security`;
/** A table whose wall is down. */
const noWall = { flaw: () => unwalled(), mend: () => walled() };
const both = ["pool", "reader"] as const;
const readers = ({ env }: World) => `${env}_tenants, ${env}_tenants_read`;

/** Reading, counting and guessing rows of shared tables. */
export const reading: readonly TenantProbe[] = [
  { name: "read every row", as: both, run: (s, w) => ownOnly(s, w, ["select * from orders"]), ...noWall },
  {
    name: "read by their id",
    as: both,
    run: (s, w) => ownOnly(s, w, [`select item from orders where tenant_id = '${w.b.pool.id}'`]),
    ...noWall,
  },
  {
    name: "read by their key",
    as: both,
    run: (s, w) =>
      ownOnly(s, w, [
        `select item from orders where id = '${w.order.b}'`,
        `select item from orders where id::text like '${w.order.b.slice(0, 8)}%'`,
      ]),
    ...noWall,
  },
  {
    name: "count",
    as: both,
    run: (s) => ownCount(s, ["select count(*) from orders", "select count(distinct tenant_id) from orders"]),
    ...noWall,
  },
  {
    name: "highest and lowest, joined and listed",
    as: both,
    run: (s, w) =>
      ownOnly(s, w, [
        "select max(item), min(item), string_agg(item, ',') from orders",
        "select o.item from lines l join orders o using (tenant_id)",
        "table orders",
        "select (o).* from (select orders as o from orders) x",
        "select array(select item from orders), (select jsonb_agg(o) from orders o)",
        "with recursive r as (select item from orders union select item from r) select * from r",
      ]),
    ...noWall,
  },
  {
    name: "a table that hangs on it",
    as: both,
    run: (s, w) => ownOnly(s, w, ["select word from lines", "select word from visits"]),
    flaw: () => unwalled("lines"),
    mend: () => walled("lines"),
  },
  {
    name: "a partition by its name",
    as: both,
    run: (s, w) => ownOnly(s, w, ["select word from visits_may"]),
    flaw: (w) => `${unwalled("visits_may")}; grant select on visits_may to ${readers(w)}`,
    mend: (w) => `${walled("visits_may")}; revoke all on visits_may from ${readers(w)}`,
  },
  {
    name: "COPY to the client",
    as: both,
    run: (s) => ownCopied(s.client),
    ...noWall,
  },
  {
    name: "an error that quotes a value",
    as: both,
    run: (s, w) => ownOnly(s, w, ["select item::int from orders where item not like 'of a%'"]),
    ...noWall,
  },
  {
    name: "an error over a foreign value",
    as: both,
    run: async (s, w) => {
      const { code } = await s.attempt(`select 1 / case when item = '${w.canary}' then 0 else 1 end from orders`);
      return code === undefined ? "own rows" : "leak: an error tells of a row";
    },
    ...noWall,
  },
  {
    name: "a predicate before the wall",
    as: both,
    run: async (s) => {
      const { code } = await s.attempt(
        "select from orders where 1 / (case when item like 'of a%' then 1 else 0 end) = 1 and tenant_id > ''",
      );
      return code === undefined ? "own rows" : "leak: it was asked of a foreign row";
    },
    ...noWall,
  },
  {
    name: "EXPLAIN shows no value",
    as: both,
    run: (s, w) =>
      ownOnly(s, w, ["explain (analyze, verbose) select * from orders", "explain verbose select * from order_list"]),
    flaw: ({ canary }) => `create policy careless on orders using (item = '${canary}')`,
    mend: () => "drop policy careless on orders",
  },
  {
    name: "statistics of its columns",
    as: both,
    run: (s, w) =>
      ownOnly(s, w, [
        "select * from pg_stats where tablename = 'orders'",
        "select * from pg_statistic",
        "select * from pg_stats_ext_exprs",
      ]),
    flaw: () =>
      `${unwalled()}; insert into orders select tenant_id, gen_random_uuid(), item from orders, generate_series(1, 9); analyze orders`,
    mend: () => walled(),
  },
  {
    name: "a view",
    as: both,
    run: (s, w) => ownOnly(s, w, ["select * from order_list"]),
    flaw: () => "alter view order_list reset (security_invoker); alter view order_list owner to postgres",
    mend: (w) => `alter view order_list owner to ${w.env}_shop; alter view order_list set (security_invoker = true)`,
  },
  {
    name: "a materialized view",
    as: both,
    run: (s) => refused(s, ["select * from order_copy"]),
    flaw: (w) => `grant select on order_copy to ${readers(w)}`,
    mend: (w) => `revoke all on order_copy from ${readers(w)}`,
  },
  {
    name: "a function",
    as: ["pool"],
    run: (s, w) => ownOnly(s, w, ["select order_items()", "select * from order_items()"]),
    flaw: () => "alter function order_items() owner to postgres; alter function order_items() security definer",
    mend: (w) => `alter function order_items() security invoker; alter function order_items() owner to ${w.env}_shop`,
  },
  {
    name: "a sequence",
    as: both,
    run: (s) =>
      refused(s, [
        "select last_value from orders_n_seq",
        "select nextval('orders_n_seq')",
        "select setval('orders_n_seq', 1)",
      ]),
    flaw: (w) => `grant select on sequence orders_n_seq to ${readers(w)}`,
    mend: (w) => `revoke all on sequence orders_n_seq from ${readers(w)}`,
  },
  {
    name: "the same row locked by b",
    as: ["pool"],
    run: async (s, w) => {
      const sql = `select from orders where tenant_id = '${w.b.pool.id}' for update nowait`;
      await w.look("begin; select from orders for update");
      const { code } = await s.attempt(sql);
      await w.look("rollback");
      return code === "55P03" ? "leak: it waits for b's row" : "own rows";
    },
    ...noWall,
  },
];

/** `COPY … TO STDOUT` as psql does it: the count of rows is in the answer. */
async function ownCopied(client: import("pg").Client) {
  const { rowCount } = await client.query("copy (select * from orders) to stdout");
  return (rowCount ?? 0) > 2 ? (`leak: ${rowCount} rows were copied` as const) : ("own rows" as const);
}

/** Writing, and feeling by what writing answers. */
export const writing: readonly TenantProbe[] = [
  {
    name: "insert as theirs",
    as: both,
    run: (s, w) =>
      refused(s, [`insert into orders (tenant_id, id, item) values ('${w.b.pool.id}', gen_random_uuid(), 'x')`]),
    flaw: (w) =>
      `${unwalled()}; grant insert on orders to ${readers(w)}; alter role ${w.a.reader.role} set default_transaction_read_only = off`,
    mend: (w) => `${walled()}; revoke insert on orders from ${w.env}_tenants_read`,
  },
  {
    name: "update theirs",
    as: ["pool"],
    run: (s, w) =>
      unchanged(s, w, ["update orders set item = 'x'", `update orders set item = 'x' where id = '${w.order.b}'`]),
    ...noWall,
  },
  {
    name: "delete theirs",
    as: ["pool"],
    run: (s, w) =>
      unchanged(s, w, ["delete from lines", "delete from orders", `delete from orders where id = '${w.order.b}'`]),
    flaw: () => `${unwalled()}; ${unwalled("lines")}`,
    mend: () => `${walled()}; ${walled("lines")}`,
  },
  {
    name: "hand own rows over",
    as: ["pool"],
    run: (s, w) => refused(s, [`update visits set tenant_id = '${w.b.pool.id}'`]),
    flaw: () => unwalled("visits"),
    mend: () => walled("visits"),
  },
  {
    name: "insert over their key",
    as: ["pool"],
    run: (s, w) =>
      unchanged(s, w, [
        `insert into orders (tenant_id, id, item) values ('${w.b.pool.id}', '${w.order.b}', 'x') on conflict (tenant_id, id) do update set item = 'x'`,
        `insert into orders (id, item) values ('${w.order.b}', 'x') on conflict (tenant_id, id) do update set item = 'x'`,
      ]),
    ...noWall,
  },
  {
    name: "merge into theirs",
    as: ["pool"],
    run: (s, w) =>
      unchanged(s, w, [
        `merge into orders o using (select '${w.order.b}'::uuid as id) x on o.id = x.id when matched then update set item = 'x'`,
        "merge into orders o using orders x on true when matched then delete",
      ]),
    ...noWall,
  },
  {
    name: "COPY from the client",
    as: both,
    run: (s) => refused(s, ["copy orders from stdin"]),
    flaw: (w) => `${unwalled()}; grant insert on orders to ${readers(w)}`,
    mend: (w) => `${walled()}; revoke insert on orders from ${w.env}_tenants_read`,
  },
  {
    name: "TRUNCATE",
    as: both,
    run: (s) => refused(s, ["truncate lines"]),
    flaw: (w) =>
      `grant truncate on lines to ${readers(w)}; alter role ${w.a.reader.role} set default_transaction_read_only = off`,
    mend: (w) => `revoke truncate on lines from ${readers(w)}`,
  },
  {
    name: "feel their key by a unique error",
    as: ["pool"],
    run: (s, w) =>
      unfelt(
        s,
        w,
        `insert into orders (id, item) values ('${w.order.b}', 'x')`,
        "insert into orders (id, item) values (gen_random_uuid(), 'x')",
      ),
    flaw: () => "create unique index felt on orders (id)",
    mend: () => "drop index felt",
  },
  {
    name: "feel their row by a foreign key",
    as: ["pool"],
    run: (s, w) =>
      unfelt(
        s,
        w,
        `insert into lines (order_id) values ('${w.order.b}')`,
        "insert into lines (order_id) values (gen_random_uuid())",
      ),
    flaw: () =>
      "create unique index whole on orders (id); alter table lines drop constraint lines_tenant_id_order_id_fkey; alter table lines add constraint felt foreign key (order_id) references orders (id)",
    mend: () =>
      "alter table lines drop constraint felt; drop index whole; alter table lines add constraint lines_tenant_id_order_id_fkey foreign key (tenant_id, order_id) references orders",
  },
  {
    name: "write with a login that reads",
    as: ["reader"],
    run: (s) =>
      refused(s, [
        "begin read write; update orders set item = 'x'",
        "begin read write; delete from lines",
        "set default_transaction_read_only = off; insert into orders (id, item) values (gen_random_uuid(), 'x')",
      ]),
    flaw: (w) => `grant ${w.env}_tenants to ${w.env}_${w.a.reader.id}_ro`,
    mend: (w) => `revoke ${w.env}_tenants from ${w.env}_${w.a.reader.id}_ro`,
  },
  {
    name: "change the table, its policies or its triggers",
    as: both,
    run: (s, w) =>
      refused(
        s,
        [
          "alter table orders disable row level security",
          `drop policy ${w.env}_wall on orders`,
          "create policy mine on orders using (true)",
          "create trigger mine before insert on orders for each row execute function suppress_redundant_updates_trigger()",
          "create rule mine as on insert to orders do nothing",
          "alter table orders add column mine text",
          "create index on orders (item)",
          "drop table orders",
          "comment on table orders is 'x'",
        ].map((sql) => `begin read write; ${sql}`),
      ),
    flaw: (w, kind) => `alter table orders owner to ${w.env}_${w.a.pool.id}${kind === "reader" ? "_ro" : ""}`,
    mend: (w) => `alter table orders owner to ${w.env}_shop`,
  },
];
