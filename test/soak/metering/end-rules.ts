import { type Evidence, keyOf, keysOf, type Rules } from "./evidence.ts";

const isLiving = ({ state }: { readonly state: string }): boolean => state === "active";
const hasEnded = ({ state }: { readonly state: string }): boolean => state === "gone";

export const endRules: Rules = {
  "every purchase in force has a living tenant": ({ purchases, licences, tenants }) =>
    purchases.flatMap((purchase) => {
      if (purchase.licence_state !== "active") return [];
      const licence = licences.find(({ key }) => key === keyOf(purchase));
      const tenant = tenants.find(({ id }) => id === licence?.tenant_id);
      if (tenant !== undefined && isLiving(tenant)) return [];
      return [
        `${purchase.agreement} (${purchase.generation}) is in force; its tenant is ${tenant?.state ?? "not there"}, its licence ${licence?.state ?? "unknown"}.`,
      ];
    }),

  "no tenant lives without a purchase": (evidence) =>
    evidence.tenants.flatMap((tenant) => {
      if (!isLiving(tenant) && !hasEnded(tenant)) return [`Tenant ${tenant.id} is ${tenant.state}.`];
      const inForce = boughtBy(evidence, tenant.id).some(({ licence_state }) => licence_state === "active");
      return isLiving(tenant) && !inForce ? [`Tenant ${tenant.id} lives, and nothing of it is in force.`] : [];
    }),

  "one chain of agreements has one living tenant": ({ purchases, licences, tenants }) => {
    const chains = new Set(purchases.map(({ initial_agreement }) => initial_agreement));
    return [...chains].flatMap((chain) => {
      const keys = new Set(purchases.filter((one) => one.initial_agreement === chain).flatMap(keysOf));
      const own = new Set(licences.filter(({ key }) => keys.has(key)).map(({ tenant_id }) => tenant_id));
      const living = tenants.filter((tenant) => own.has(tenant.id) && isLiving(tenant));
      return living.length > 1 ? [`The chain of ${chain} has ${living.length} living tenants.`] : [];
    });
  },

  "nobody is answered what nobody should be": ({ feed, stage }) => [...feed.offences, ...stage.world.front.offences],
};

function boughtBy({ licences, purchases }: Evidence, tenant: string) {
  const keys = new Set(licences.filter(({ tenant_id }) => tenant_id === tenant).map(({ key }) => key));
  return purchases.filter((purchase) => keysOf(purchase).some((key) => keys.has(key)));
}
