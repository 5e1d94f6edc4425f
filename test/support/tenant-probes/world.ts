import type pg from "pg";
import { connect } from "../../../src/db/db.ts";
import { isolateTable } from "../../../src/isolation/pool/pool.ts";
import { about } from "../provider.ts";
import { type Customer, open, type TenantServer, tenantServer } from "../tenant-server.ts";

/** What a customer holds: a pool's full or reading login, a bridge's, a silo's. */
export type Kind = "pool" | "reader" | "bridge" | "silo";

/** Two customers of each kind, a who probes and b who is probed, with what the vendor made for them. */
export interface World {
  readonly env: string;
  /** The shared database. */
  readonly shared: string;
  readonly place: TenantServer;
  readonly a: Readonly<Record<Kind, Customer>>;
  readonly b: Readonly<Record<Kind, Customer>>;
  /** In every row of b's, wherever it lies. */
  readonly canary: string;
  readonly order: Readonly<Record<"a" | "b", string>>;
  /** As a superuser, on the shared database or another. */
  look<Row extends object>(sql: string, database?: string): Promise<Row[]>;
  /** Puts every row back as it was. */
  reset(): Promise<void>;
  drop(): Promise<void>;
}

const VENDORS_OWN = `
  create table orders (tenant_id text not null, id uuid not null, item text not null, n int generated always as identity,
                       primary key (tenant_id, id));
  create table lines (tenant_id text not null, order_id uuid not null, word text, foreign key (tenant_id, order_id) references orders);
  create table visits (tenant_id text not null, word text, at date not null) partition by range (at);
  create table visits_may partition of visits for values from ('2026-05-01') to ('2026-06-01');
  create table countries (code text primary key);
  create view order_list with (security_invoker = true) as select tenant_id, id, item from orders;
  create function order_items() returns setof text language sql as 'select item from public.orders';
  create function sly(word text) returns boolean language plpgsql cost 0.0000001 as
    $$ begin raise notice 'it is %', word; return true; end $$;
  create function tells(word text) returns boolean language plpgsql cost 0.0000001 as
    $$ begin if word not like 'of a%' then raise 'it is %', word; end if; return true; end $$;
  create operator ~~~ (function = sly, rightarg = text);
  create materialized view order_copy as select item from orders`;

export async function openWorld(): Promise<World> {
  const place = await tenantServer();
  const { environment: env, server, shop, vendor } = place;
  const canary = `canary-${crypto.randomUUID()}`;
  const [bridges, silos] = [
    [await place.buy("standard"), await place.buy("standard")],
    [await place.buy("premium"), await place.buy("premium")],
  ] as const;
  const reader = async (of: Customer): Promise<Customer> => {
    const wish = { kind: "postgres", name: "reports", access: "read", grantable: [] } as const;
    const { value } = await shop.issueCredential({ ...about(of), ...wish });
    return { id: of.id, role: new URL(value).username, url: value };
  };
  const a = { pool: place.a, reader: await reader(place.a), bridge: bridges[0], silo: silos[0] };
  const b = { pool: place.b, reader: await reader(place.b), bridge: bridges[1], silo: silos[1] };
  const order = { a: crypto.randomUUID(), b: crypto.randomUUID() };

  const superusers = new Map<string, pg.Client>();
  const look = async <Row extends object>(sql: string, database = server.shared): Promise<Row[]> => {
    const known = superusers.get(database);
    const client = known ?? (await open(Object.assign(new URL(server.superuserUrl), { pathname: database }).href));
    superusers.set(database, client);
    const answer: pg.QueryResult | pg.QueryResult[] = await client.query(sql);
    return [answer].flat().at(-1)?.rows ?? [];
  };
  const rows = (tenant: string, id: string, word: string): string => `
    insert into orders values ('${tenant}', '${id}', '${word}'), ('${tenant}', gen_random_uuid(), '${word} too');
    insert into lines values ('${tenant}', '${id}', '${word}');
    insert into visits values ('${tenant}', '${word}', '2026-05-02');`;
  const reset = async (): Promise<void> => {
    await look(`truncate orders, lines, visits;${rows(a.pool.id, order.a, "of a")}${rows(b.pool.id, order.b, canary)}`);
  };

  const maker = await open(vendor.url);
  await maker.query(VENDORS_OWN);
  await maker.end();
  await look(`create index on orders (id); insert into countries values ('de')`);
  await reset();
  await wallIn(server.url, env);
  await look(`grant select on order_list, countries to ${env}_tenants, ${env}_tenants_read; refresh materialized view order_copy;
    revoke all on function order_items(), sly(text), tells(text) from public;
    grant execute on function order_items() to ${env}_tenants;
    grant execute on function sly(text), tells(text) to ${env}_tenants, ${env}_tenants_read;
    select lo_from_bytea(4711, '\\x00'); analyze`);
  for (const { url } of [a.bridge, a.silo])
    await once(url, "create table mine (word text); insert into mine values ('of a')");
  for (const { url } of [b.bridge, b.silo]) {
    await once(url, `create table mine (word text); insert into mine values ('${canary}')`);
  }
  return {
    ...{ env, shared: server.shared, place, a, b, canary, order, look, reset },
    drop: async () => {
      await Promise.all([...superusers.values()].map((client) => client.end()));
      await place.drop();
    },
  };
}

async function wallIn(url: string, environment: string): Promise<void> {
  const admin = connect({ url, connections: 1 });
  for (const table of ["orders", "lines", "visits"]) {
    const plan = await isolateTable(
      admin,
      { environment, table, column: "tenant_id", vendors: [], excused: [] },
      false,
    );
    if (plan.faults.length > 0) throw new Error(JSON.stringify(plan.faults));
  }
  await admin.close();
}

async function once(url: string, sql: string): Promise<void> {
  const client = await open(url);
  await client.query(sql);
  await client.end();
}
