import { setTimeout as sleep } from "node:timers/promises";
import { atTenant } from "../src/isolation/databases/makers.ts";
import { environmentNames, mintLogin, tenantNames } from "../src/isolation/databases/names.ts";
import { prepareServer, type Server } from "../src/isolation/databases/prepare.ts";
import { type Sessions, sessionsOn, within } from "../src/isolation/databases/session.ts";
import { settleTenant } from "../src/isolation/databases/settle.ts";
import type { Surroundings, Target } from "../src/isolation/databases/site.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { asCustomer, type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

/** Below this nobody becomes a member of what they make. */
const HAS_MAKERS = 160_000;
const limits = { connections: 5, statementSeconds: 30, storageMegabytes: 10, graceDays: 7 };

let server: TenantsServer;
let sessions: Sessions;
let adminUrl: string;
let prepared: Server;

beforeEach(async () => {
  server = await tenantsServer();
  adminUrl = await server.plainAdmin();
  sessions = sessionsOn(adminUrl);
  prepared = await within(sessions.open, undefined, (session) =>
    prepareServer(session, environmentNames(server.environment), sessions.shared),
  );
});

afterEach(async () => {
  await sessions.close();
  await server.drop();
  await server.dropAdmin();
});

/** Settles the tenant as this release does, or as it was done before there were makers. */
async function settle(tenant: string, target: Partial<Target>, how: "now" | "before" = "now"): Promise<void> {
  const version = how === "before" ? HAS_MAKERS - 1 : prepared.version;
  const rest = { model: "pool", access: "open", limits, logins: [], full: false, working: [] } as const;
  await settleTenant(surroundings(version), tenant, { ...rest, ...target });
}

function surroundings(version: number): Surroundings {
  const { open, openAs, shared } = sessions;
  const environment = environmentNames(server.environment);
  return { server: { ...prepared, version }, environment, shared, open, openAs };
}

const newLogin = (tenant: string) => ({
  role: mintLogin(server.environment, tenant),
  password: "secret",
  readsOnly: false,
});

const urlOf = (role: string): string =>
  Object.assign(new URL(server.superuserUrl), { username: role, password: "secret" }).href;

/** Every membership of the server's, as `member in role by grantor`, that has to do with the name. */
async function memberships(name: string): Promise<readonly string[]> {
  const rows = await server.look<{ says: string }>(
    `select format('%s in %s by %s', member::regrole, roleid::regrole, grantor::regrole) as says from pg_auth_members
     where member::regrole::text like '%' || $1 || '%' or roleid::regrole::text like '%' || $1 || '%' order by 1`,
    [name],
  );
  return rows.map(({ says }) => says);
}

/** How many of the administrator's sessions wait for another one. */
async function waiting(): Promise<number> {
  const sql = "select from pg_stat_activity where usename = $1 and wait_event_type = 'Lock'";
  return (await server.look(sql, [prepared.admin])).length;
}

test("however many tenants there are, the administrator is a member of makers and groups alone", async () => {
  for (const model of ["pool", "bridge", "silo"] as const) {
    const tenant = mintTenantId();
    await settle(tenant, { model, logins: [newLogin(tenant)] });
  }
  const mine = (await memberships(prepared.admin)).filter((says) => says.startsWith(`${prepared.admin} in `));
  const one = / in \w+_(makers_[a-z][a-z2-7]|connect|tenants|tenants_read) by /;
  expect(mine.filter((says) => !one.test(says))).toEqual([]);
});

test("nobody logs in as a maker, and no tenant becomes one", async () => {
  const tenant = mintTenantId();
  const login = newLogin(tenant);
  await settle(tenant, { model: "bridge", logins: [login] });
  const { maker, owner } = tenantNames(server.environment, tenant);
  const looked = await server.look("select rolcanlogin, rolsuper, rolbypassrls from pg_roles where rolname = $1", [
    maker,
  ]);
  expect(looked).toEqual(
    prepared.version < HAS_MAKERS ? [] : [{ rolcanlogin: false, rolsuper: false, rolbypassrls: false }],
  );
  await asCustomer(urlOf(login.role), async (client) => {
    await expect(client.query(`set role ${maker}`)).rejects.toThrow();
    await expect(client.query(`grant ${owner} to public`)).rejects.toThrow();
    await expect(client.query("create role mine")).rejects.toMatchObject({ code: "42501" });
  });
});

test("tenants that were made before there were makers are handed over, and nobody is locked out", async () => {
  const tenant = mintTenantId();
  const { owner, reader, maker } = tenantNames(server.environment, tenant);
  const [first, second] = [newLogin(tenant), newLogin(tenant)];
  await settle(tenant, { logins: [first] }, "before");
  expect((await memberships(owner)).filter((says) => says.includes("makers"))).toEqual([]);

  // Before anything else is done to it.
  await atTenant(surroundings(prepared.version), tenant, async () => undefined);
  await asCustomer(urlOf(first.role), (client) => client.query("select 1"));
  await settle(tenant, { logins: [first, second] });
  const { admin } = prepared;
  const granted = (await memberships(owner)).filter((says) => !says.includes(` by postgres`));
  const by = prepared.version < HAS_MAKERS ? admin : maker;
  const handed = [owner, reader, first.role].map((role) => `${maker} in ${role} by ${admin}`);
  expect(granted).toEqual(
    [
      `${owner} in ${server.environment}_tenants by ${by}`,
      `${reader} in ${server.environment}_tenants_read by ${by}`,
      `${first.role} in ${owner} by ${by}`,
      `${second.role} in ${owner} by ${by}`,
      ...(prepared.version < HAS_MAKERS ? [] : handed),
    ].sort(),
  );
  for (const { role } of [first, second]) {
    await asCustomer(urlOf(role), async (client) => {
      expect((await client.query("select current_user as name")).rows).toEqual([{ name: owner }]);
    });
  }

  // What was granted before can be taken back.
  await settle(tenant, { model: "bridge", logins: [second] });
  expect((await memberships(owner)).filter((says) => says.includes(`${server.environment}_tenants`))).toEqual([]);
  await settle(tenant, { access: "none" });
  expect(await server.things()).toEqual([]);
});

test("who makes a maker while somebody else does waits for it, and goes on with that one", async () => {
  if (prepared.version < HAS_MAKERS) return;
  const tenant = mintTenantId();
  const { maker } = tenantNames(server.environment, tenant);
  await asCustomer(adminUrl, async (other) => {
    await other.query(`begin; create role ${maker} createrole`);
    const settled = settle(tenant, { logins: [newLogin(tenant)] });
    settled.catch(() => undefined);
    while ((await waiting()) === 0) await sleep(5);
    await other.query("commit");
    await settled;
  });
  expect((await memberships(tenant)).some((says) => says.endsWith(` by ${maker}`))).toBe(true);
});
