import { CRASHES, type CrashShop, closeCrashShop, crashEverywhere, crashShop, MODELS } from "./support/crash-shop.ts";
import { one, rotate, urlOf } from "./support/database-shop.ts";
import { closeProviders, purchase } from "./support/provider.ts";

describe.each(CRASHES)("work that is %s after any statement", (kind) => {
  let setting: CrashShop;

  beforeAll(async () => {
    setting = await crashShop(kind);
  });

  afterAll(async () => {
    await closeProviders();
    await closeCrashShop(setting);
  });

  test.each(kind === "cut" ? Object.values(MODELS) : ["premium"])(
    "of a provision of %s leaves a purchase that is finished later",
    async (plan) => {
      const { shop, crash, nothingAstray } = setting;
      const hit = await crashEverywhere(crash, async () => async () => {
        const { value } = await shop.provision(purchase({ plan }));
        return value.tenant;
      });
      expect(hit.length).toBeGreaterThanOrEqual(plan === "premium" ? 7 : 4);
      await nothingAstray();
      for (const { tenant, after } of hit) {
        const url = await urlOf(shop, await tenant());
        expect({ after, answer: await one(url, "select 1") }).toEqual({ after, answer: 1 });
      }
    },
  );

  test.each(Object.values(MODELS))(
    "of a rotation of %s leaves the new login with its data, and not the old one",
    async (plan) => {
      const { shop, crash, stocked, nothingAstray } = setting;
      const old = new Map<string, string>();
      const hit = await crashEverywhere(crash, async () => {
        const { tenant, url } = await stocked(plan);
        old.set(tenant.id, url);
        return async () => (await rotate(shop, tenant, 0)).value;
      });
      expect(hit.length).toBeGreaterThanOrEqual(7);
      await nothingAstray();
      const sees = plan === MODELS.pool ? "select count(*)::int from vendor.items" : "select 1";
      for (const { tenant } of hit) {
        const there = await tenant();
        expect(await one(await urlOf(shop, there), sees)).toBe(1);
        await expect(one(old.get(there.id) ?? "", "select 1")).rejects.toMatchObject({
          code: expect.stringMatching(/^28/),
        });
      }
    },
  );
});
