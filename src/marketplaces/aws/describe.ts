import type { Tenant } from "../../tenants/tenants.ts";
import type { MarketplaceTexts } from "../marketplace.ts";
import { contactOf } from "./intake/contact.ts";
import { ANNOUNCED_MS } from "./licences/end-purchase.ts";
import { type LicenceRow, type LicenceView, licenceOfTenant, timeOf } from "./licences/licence.ts";
import type { AwsOptions } from "./options.ts";
import { SUBSCRIPTIONS_URL } from "./pages/frame.tsx";
import { stageOf, stageTexts, termsOf } from "./pages/stage.ts";
import { findProduct } from "./section.ts";

/** What AWS Marketplace calls the purchase: the state and the terms of the licence that is in force, or was last. */
export async function describeTenant(options: AwsOptions, tenant: Tenant): Promise<MarketplaceTexts> {
  const licence = await licenceOfTenant(options.store, tenant.id);
  const view = licence && { licence, tenant: { id: tenant.id, state: tenant.state }, history: [], relatives: [] };
  const product = findProduct(options.section, { productCode: licence?.product_code });
  const contact = licence && contactOf(options, licence);
  return {
    title: "AWS Marketplace",
    backUrl: SUBSCRIPTIONS_URL,
    ...(licence?.account && { owner: `AWS account ${licence.account}` }),
    people: contact === undefined ? [] : [{ id: "contact", email: contact.email, role: "contact" }],
    ending: licence && endingOf(licence),
    terms: view === undefined ? [] : [stateOf(view), ...termsOf(view, product)],
    ways: {
      changePlan: () => ({ page: SUBSCRIPTIONS_URL }),
      remove: { page: SUBSCRIPTIONS_URL },
    },
    pricedThere: true,
    plans: [...new Set(options.section.products.map(({ plan }) => plan))],
    rotationWarning: "AWS Marketplace does not hold your config vars: whatever uses them needs the new ones from here.",
  };
}

/** An end that was announced, at the latest; or that of an agreement which nothing follows. */
function endingOf({ state, ended_at, agreement }: LicenceRow): MarketplaceTexts["ending"] {
  const announced = timeOf(ended_at);
  if (state === "ending" && announced !== undefined)
    return { at: new Date(announced.getTime() + ANNOUNCED_MS), why: "You have unsubscribed in AWS Marketplace." };
  const end = timeOf(agreement?.end);
  if (state !== "active" || end === undefined || agreement?.at_end !== "EXPIRE") return undefined;
  return { at: end, why: "Your agreement in AWS Marketplace runs out and does not renew." };
}

/** The account of the licence that is in force, or was last. */
export async function accountOfTenant({ store }: AwsOptions, tenant: Tenant): Promise<string | undefined> {
  const rows = await store.asTenant(tenant.id, (tx) =>
    tx.query<{ account: string }>(
      `select account from aws_licences where account is not null
       order by (state = 'active') desc, started_at desc nulls last, key limit 1`,
    ),
  );
  return rows[0]?.account;
}

const stateOf = (view: LicenceView) => ({
  term: "Subscription",
  text: view.licence.state === "ending" ? "Ending" : stageTexts[stageOf(view)].word,
});
