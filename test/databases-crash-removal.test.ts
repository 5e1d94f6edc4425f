import type { Tenant } from "../src/tenants/tenants.ts";
import { CRASHES, type CrashShop, closeCrashShop, crashEverywhere, crashShop, MODELS } from "./support/crash-shop.ts";
import { DAY, one } from "./support/database-shop.ts";
import { about, closeProviders } from "./support/provider.ts";

describe.each(CRASHES)("work that is %s after any statement", (kind) => {
  let setting: CrashShop;
  /** Who stays, whatever becomes of the others. */
  let stays: { readonly tenant: Tenant; readonly url: string };

  beforeAll(async () => {
    setting = await crashShop(kind);
    stays = await setting.stocked(MODELS.pool);
  });

  afterAll(async () => {
    await closeProviders();
    await closeCrashShop(setting);
  });

  /** What lies on the server of these tenants. */
  const thingsOf = async (tenants: readonly string[]) =>
    (await setting.server.things()).filter((name) => tenants.some((id) => name.includes(id)));

  test.each(kind === "cut" ? Object.values(MODELS) : [MODELS.pool, MODELS.silo])(
    "of the removal of %s leaves nothing of it, and everything of the others",
    async (plan) => {
      const { shop, crash, stocked, rows, nothingAstray } = setting;
      const gone: string[] = [];
      const hit = await crashEverywhere(crash, async () => {
        const { tenant } = await stocked(plan);
        gone.push(tenant.id);
        await shop.deprovision(about(tenant));
        shop.clock.advance(31 * DAY);
        return async () => {
          await shop.deps.databases?.settle(tenant.id);
          return tenant;
        };
      });
      expect(hit.length).toBeGreaterThanOrEqual(5);
      await nothingAstray();
      expect(await thingsOf(gone)).toEqual([]);
      expect(await rows()).toEqual({ [stays.tenant.id]: 1 });
      expect(await one(stays.url, "select item from vendor.items")).toBe("kept");
    },
  );

  test("of a deprovision shuts the logins all the same, and keeps the data for their days", async () => {
    const { shop, crash, stocked, rows, nothingAstray } = setting;
    const urls: string[] = [];
    const left: string[] = [];
    const hit = await crashEverywhere(crash, async () => {
      const { tenant, url } = await stocked(MODELS.pool);
      left.push(tenant.id);
      urls.push(url);
      return async () => (await shop.deprovision(about(tenant))).value;
    });
    expect(hit.length).toBeGreaterThanOrEqual(3);
    await nothingAstray();
    for (const url of urls) {
      await expect(one(url, "select 1")).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
    }
    expect(Object.keys(await rows()).sort()).toEqual([...left, stays.tenant.id].sort());
  });
});
