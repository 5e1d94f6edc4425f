import { eventCatalogue, eventTypes } from "../src/events/catalogue.ts";
import { type CloudEvent, describeEvents, madeUpEvent } from "../src/events/envelope.ts";
import type { EventType } from "../src/events/events.ts";
import { Refused } from "../src/product/product.ts";
import { HOUR } from "./support/clock.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";

let shop: TestProvider;

beforeAll(async () => {
  shop = await testProvider();
});

afterAll(closeProviders);

const speaker = { publicUrl: "https://addons.example", serviceId: "acme-search" };

/** One life with everything in it that a provider's command can bring about. */
async function wholeLife(): Promise<void> {
  const { tenant } = (await shop.provision(purchase())).value;
  const of = about(tenant);
  await shop.suspend({ ...of, reason: "unpaid" });
  await shop.resume(of);
  await shop.changePlan({ ...of, plan: "premium" });
  shop.product.answer(new Refused("Too much is stored."));
  await shop.changePlan({ ...of, plan: "basic" }).catch(() => undefined);
  await shop.setEntitlements(of.ref, { ...of, plan: "premium", limits: { requests: 5 } });
  await shop.setEntitlements(of.ref, { ...of, plan: "basic", limits: { requests: 6 } });
  await shop.rotateCredentials({ ...of, overlapSeconds: 60 });
  await shop.rotateCredentials({ ...of, overlapSeconds: 0 });
  await shop.rotateCredentials({ ...of, overlapSeconds: 7_200 });
  const [retiring] = await shop.look<{ id: string }>("select id from credentials where state = 'retiring' limit 1");
  if (retiring !== undefined) await shop.revokeCredential({ ...of, credential: retiring.id });
  await shop.revealConfigVar(of, "ACME_SEARCH_API_KEY");
  const person = { id: "1", email: "ada@example.com" };
  await shop.signIn({ ...of, person, tokenDigests: ["d"], tokenEnds: new Date(shop.clock.now().getTime() + HOUR) });
  shop.deliver = () => ({ outcome: "given_up", fault: "503" });
  await shop.rest();
  await shop.deprovision(of);
  shop.product.answer(new Refused("This region is full."));
  await shop.provision(purchase()).catch(() => undefined);
  await shop.rest();
}

describe("the catalogue of events", () => {
  test("names all that real events tell, and nothing that they do not", async () => {
    await wholeLife();
    const rows = await shop.look<{ type: EventType; data: object }>("select type, data from lifecycle_events");
    const faults = rows.flatMap(({ type, data }) => {
      const { error } = eventCatalogue[type].details.strict().safeParse(data);
      return error === undefined ? [] : [`${type}: ${error.message}`];
    });
    expect(faults).toEqual([]);
    const seen = new Set(rows.map(({ type }) => type));
    const elsewhere = eventTypes.filter((type) => !seen.has(type));
    // What only a marketplace, the metering, the isolation, an endpoint, an operator or the dashboard brings about.
    const known = /^(grant|usage|event|endpoint|database|aws|operator|data)\.|^renamed$/;
    expect(elsewhere.filter((type) => !known.test(type))).toEqual([]);
  });

  test("has an example for each type that its own schema takes whole", () => {
    const faults = eventTypes.filter((type) => {
      const { details, example } = eventCatalogue[type];
      return !details.strict().safeParse(example).success;
    });
    expect(faults).toEqual([]);
    for (const { type, example } of describeEvents(speaker)) {
      expect(example.data.details).toEqual(
        type in eventCatalogue ? eventCatalogue[type as EventType].example : expect.anything(),
      );
    }
  });

  test("makes events up that differ from real ones only by their mark and their ids", () => {
    const now = new Date("2026-05-10T10:00:00Z");
    const [one, other] = [1, 2].map(() => madeUpEvent(speaker, "plan.changed", now)) as [CloudEvent, CloudEvent];
    expect(one.id).not.toBe(other.id);
    const real = describeEvents(speaker).find(({ type }) => type === "plan.changed")?.example;
    expect(Object.keys(one).filter((name) => !Object.keys(real ?? {}).includes(name))).toEqual(["madeup"]);
  });
});
