import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listRoles, removeRole, setRole } from "../src/cli/aws-roles.ts";
import { setAwsRole } from "../src/provider/aws-roles.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { SECOND, testClock } from "./support/clock.ts";
import { runCommand } from "./support/command.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { ACCOUNT, ENVIRONMENT, template } from "./support/tenant-role.ts";
import { newTenant } from "./support/usage.ts";
import { openVendor, type Vendor } from "./support/vending.ts";

const SERVICE = `arn:aws:iam::${ACCOUNT}:user/simulated`;
let vendor: Vendor;
let shop: TestProvider;
let folder: string;
let environment: Record<string, string>;
let accounts = 0;

/** A tenant's place: an account, and what the tenant has there. */
interface Place {
  readonly tenant: string;
  readonly account: string;
}

beforeAll(async () => {
  const clock = testClock();
  vendor = await openVendor(clock);
  shop = await testProvider({ aws: vendor.aws, clock });
  folder = await mkdtemp(join(tmpdir(), "aws-roles-"));
  const { keys } = vendor.simulator.aws;
  environment = {
    DATABASE_URL: shop.database.appUrl,
    DATA_DIR: folder,
    STALLHOLDER_ENV: ENVIRONMENT,
    CLOCK_URL: `${vendor.simulator.origin}/_clock`,
    AWS_ENDPOINT_URL: vendor.simulator.origin,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  };
  Object.assign(process.env, environment);
});

afterAll(async () => {
  for (const name of Object.keys(environment)) delete process.env[name];
  await closeProviders();
  await vendor.close();
  await rm(folder, { recursive: true });
});

const roleOf = ({ tenant, account }: Place) => `arn:aws:iam::${account}:role/${ENVIRONMENT}-${tenant}`;

/** The printed template of a silo, deployed in an account of the tenant's own. */
async function silo(tenant: string): Promise<Place> {
  accounts += 1;
  const account = String(200_000_000_000 + accounts);
  const parameters = { VendingPrincipalArn: SERVICE, TenantId: tenant, DatabaseResourceId: "cluster-A1" };
  await vendor.post("/_aws/roles", { template: template("cloudformation", "silo"), parameters, account });
  return { tenant, account };
}

/** A role that anybody of the vendor's account may assume as `conditions` say. */
async function roleWith(conditions: object): Promise<string> {
  accounts += 1;
  const arn = `arn:aws:iam::${200_000_000_000 + accounts}:role/by-hand`;
  const statement = { Effect: "Allow", Principal: { AWS: SERVICE }, Action: ["sts:AssumeRole", "sts:TagSession"] };
  const trust = { Version: "2012-10-17", Statement: { ...statement, ...conditions } };
  await vendor.post("/_aws/roles", { arn, trust, policies: [] });
  return arn;
}

const vended = (tenant: string) => shop.awsCredentials(about({ id: tenant }));

/** Whose data, and where, a tenant's credentials open. */
async function opened(tenant: string, places: readonly Place[]): Promise<Place[]> {
  const { accessKeyId: access_key_id } = await vended(tenant);
  const answers = places.map(async (place) => {
    const resource = `arn:aws:s3:::${ENVIRONMENT}-tenants-${place.account}-us-east-1/${place.tenant}/a`;
    return (await vendor.post("/_aws/judge", { access_key_id, action: "s3:GetObject", resource })).allowed;
  });
  const allowed = await Promise.all(answers);
  return places.filter((_place, index) => allowed[index]);
}

const told = (tenant: string) =>
  shop.look<{ action: string; data: object }>(
    "select action, data from audit_entries where chain = $1 and action like 'aws.%' order by sequence",
    [tenant],
  );

describe("a tenant's own role", () => {
  test("is given, shown and taken by the command, and credentials are those of it meanwhile", async () => {
    const tenant = await newTenant(shop);
    const pooled = { tenant, account: ACCOUNT };
    const place = await silo(tenant);
    const role = roleOf(place);
    expect(await opened(tenant, [pooled, place])).toEqual([pooled]);
    const { out } = await runCommand(() => setRole(tenant, role, { account: place.account, json: true }));
    expect(JSON.parse(out)).toEqual({ tenant, role, account: place.account });
    expect(await opened(tenant, [pooled, place])).toEqual([place]);
    expect((await runCommand(() => listRoles({}))).out).toContain(`${tenant}  active     ${role}  since `);
    await runCommand(() => removeRole(tenant, {}));
    expect(await opened(tenant, [pooled, place])).toEqual([pooled]);
    expect(await told(tenant)).toEqual([
      { action: "aws.assumed", data: { seconds: 900 } },
      { action: "aws.role_set", data: { role } },
      { action: "aws.assumed", data: { seconds: 900, role } },
      { action: "aws.role_removed", data: { role } },
    ]);
    await expect(runCommand(() => removeRole(tenant, {}))).rejects.toMatchObject({ code: "request_malformed" });
  });

  test("of the pool's template, which takes every tenant's tag, is refused in an account of the tenant's own too", async () => {
    const tenant = await newTenant(shop);
    const account = "200000000000";
    const parameters = { VendingPrincipalArn: SERVICE, DatabaseResourceId: "cluster-A1" };
    await vendor.post("/_aws/roles", { template: template("cloudformation", "pool"), parameters, account });
    const role = `arn:aws:iam::${account}:role/${ENVIRONMENT}-tenant-access`;
    await expect(runCommand(() => setRole(tenant, role, {}))).rejects.toThrow("takes the tag of another tenant too");
  });

  test.each([
    ["has no condition at all", {}, /takes the tag of another tenant too/],
    ["trusts somebody else", { Principal: { AWS: "arn:aws:iam::110022003300:root" } }, /does not let us assume/],
  ])("that %s is refused with the reason, and nothing changes", async (_title, conditions, reason) => {
    const tenant = await newTenant(shop);
    const role = await roleWith(conditions);
    await expect(runCommand(() => setRole(tenant, role, {}))).rejects.toMatchObject({
      code: "request_malformed",
      message: expect.stringMatching(reason),
    });
    expect(await shop.look("select from aws_roles where tenant_id = $1", [tenant])).toEqual([]);
    const data = { role, reason: expect.stringMatching(reason) };
    expect(await told(tenant)).toEqual([{ action: "aws.assume_failed", data }]);
  });

  test("that takes the tenant's tag and none at all is refused", async () => {
    const tenant = await newTenant(shop);
    const role = await roleWith({ Condition: { StringEqualsIfExists: { "aws:RequestTag/TenantID": tenant } } });
    await expect(runCommand(() => setRole(tenant, role, {}))).rejects.toThrow("can be assumed without the tag");
  });

  test("of another account than named, another tenant's, and what is no role are refused", async () => {
    const [tenant, other] = [await newTenant(shop), await newTenant(shop)];
    const place = await silo(tenant);
    const set = (id: string, role: string, account?: string) =>
      runCommand(() => setRole(id, role, { ...(account !== undefined && { account }) }));
    await expect(set(tenant, roleOf(place), "123456789012")).rejects.toThrow(
      `The role is in the account ${place.account}, not in the account 123456789012 that was named.`,
    );
    await expect(set(other, roleOf(place))).rejects.toThrow("does not let us assume the role");
    await expect(set(tenant, "AKIAIOSFODNN7EXAMPLE")).rejects.toThrow("access key");
    await expect(set(mintTenantId(), roleOf(place))).rejects.toMatchObject({ code: "tenant_not_found" });
    await shop.deprovision(about({ id: tenant }));
    await expect(set(tenant, roleOf(place))).rejects.toMatchObject({ code: "tenant_gone" });
    expect(await shop.look("select from aws_roles where tenant_id in ($1, $2)", [tenant, other])).toEqual([]);
  });

  test("that is taken away while AWS thinks gives nothing", async () => {
    const tenant = await newTenant(shop);
    const role = roleOf(await silo(tenant));
    await runCommand(() => setRole(tenant, role, {}));
    await vendor.post("/_faults", { aws_sts_slow: { value: 500, times: 1 } });
    const asked = vended(tenant);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await shop.look("delete from aws_roles where tenant_id = $1", [tenant]);
    await expect(asked).rejects.toMatchObject({ code: "aws_unavailable" });
  });

  test("written into another tenant's row opens nothing to either", async () => {
    const [a, b] = [await newTenant(shop), await newTenant(shop)];
    for (const id of [a, b]) await runCommand(async () => setRole(id, roleOf(await silo(id)), {}));
    await shop.look(
      `update aws_roles r set role_arn = o.role_arn from aws_roles o
       where r.tenant_id in ($1, $2) and o.tenant_id in ($1, $2) and o.tenant_id <> r.tenant_id`,
      [a, b],
    );
    for (const id of [a, b]) await expect(vended(id)).rejects.toMatchObject({ code: "aws_refused" });
  });

  test("whatever is set and taken in whatever order, credentials open the tenant's place of now and no other", async () => {
    const tenants = [await newTenant(shop), await newTenant(shop), await newTenant(shop)];
    const pooled = tenants.map((tenant) => ({ tenant, account: ACCOUNT }));
    const silos = (await Promise.all(tenants.map(silo))).flat();
    const places = [...pooled, ...silos];
    const now = new Map(pooled.map((place) => [place.tenant, place]));
    const parts = { store: shop.deps.store, clock: shop.clock, aws: vendor.aws };
    let seed = 20_260_301;
    const random = <T>(items: readonly T[]): T => {
      seed = (seed * 48_271) % 2_147_483_647;
      return items[seed % items.length] as T;
    };
    for (let step = 0; step < 12; step += 1) {
      const place = random(places);
      const { tenant, account } = place;
      if (account === ACCOUNT) await shop.look("delete from aws_roles where tenant_id = $1", [tenant]);
      else {
        const setting = { tenant, roleArn: roleOf(place), account, by: "operator:ada", at: shop.clock.now() } as const;
        await setAwsRole(parts, setting);
      }
      now.set(tenant, place);
      shop.clock.advance(SECOND);
      for (const one of tenants) expect(await opened(one, places)).toEqual([now.get(one)]);
    }
  });
});
