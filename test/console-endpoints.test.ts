import { shownAddress } from "../src/dashboard/console/endpoints/place.ts";
import { consoleOf as wholeConsole } from "./support/console.ts";
import { consoleOf, hiddenIn } from "./support/console-tenants-app.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { answers, closeReceivers, type Receiver, receiver, verify } from "./support/receiver.ts";
import { happens, type Subscribed, subscribed } from "./support/subscribed.ts";

let shop: TestProvider;
let sending: Subscribed;
let consoles: Awaited<ReturnType<typeof consoleOf>>;
let tenant: { readonly id: string };
let taker: Receiver;

beforeAll(async () => {
  shop = await testProvider();
  sending = subscribed(shop);
  consoles = await consoleOf(shop);
  tenant = (await shop.provision(purchase({ resourceId: crypto.randomUUID(), name: "acme-heard" }))).value.tenant;
  taker = await receiver();
});

afterAll(async () => {
  await closeServers();
  await closeReceivers();
  await closeProviders();
});

/** An endpoint at a receiver, with the console's address of it. */
async function endpointAt({ url }: Pick<Receiver, "url">, name = "") {
  const { endpoint, secret = "" } = await sending.create({ url, name });
  return { id: endpoint.id, secret, path: `/console/endpoints/${endpoint.id}` };
}

const eve = () => consoles.person("operator", "eve@vendor.example");

/** The form of an act, as it was on the page. */
const formOf = async (path: string, act: string, query = "") =>
  hiddenIn((await eve().get(`${path}/acts/${act}${query}`).expect(200)).text);

/** Opens the page of an act and sends its form, with what is filled in. */
async function act(path: string, name: string, filled: Readonly<Record<string, string>> = {}, query = "") {
  const form = await formOf(path, name, query);
  return eve().post(`${path}/acts/${name}/confirmed`, { reason: "a test", ...form, ...filled });
}

/** Moves the clock on, so that what happens next is later. */
const later = (seconds: number) => shop.clock.advance(seconds * 1_000);

const acted = (id: string, name: string) =>
  shop.look<{ by: string; reason: string }>(
    `select "by", data->>'reason' as reason from audit_entries
     where chain = 'operator' and action = 'operator.acted' and data->>'endpoint' = $1 and data->>'act' = $2`,
    [id, name],
  );

describe("the console's endpoints", () => {
  test("show how each stands and how every attempt went, without what may be secret", async () => {
    const { id, path } = await endpointAt({ url: `${taker.url}/a8f3k29dk20fj2?token=s3cr3t` }, "the desk");
    await happens(shop, tenant);
    await sending.send();
    later(60);
    taker.manner = answers(503);
    await happens(shop, tenant);
    await sending.send();
    taker.manner = answers(204);
    const viewer = consoles.person("viewer");
    const list = (await viewer.get("/console/endpoints").expect(200)).text;
    expect(list).toContain(`href="${path}"`);
    expect(list).toMatch(/failing<\/strong>/);
    const { text } = await viewer.get(path).expect(200);
    expect(text).toContain("/events/…?token=…");
    expect(`${list}${text}`).not.toMatch(/s3cr3t|a8f3k29dk20fj2|whsec_/);
    expect(text).toMatch(/taken<\/strong>.*204 in \d+ ms/);
    expect(text).toMatch(/failed<\/strong>.*503 in \d+ ms/);
    expect(text).not.toContain("Send again");
    expect(text).not.toContain(`${path}/acts/`);
    const failed = (await viewer.get(`${path}?show=failed`).expect(200)).text;
    expect([failed.match(/>taken</g), failed.match(/>failed</g)?.length]).toEqual([null, 1]);
    await sending.remove(id);
  });

  test("show each attempt once, page by page, those that failed by themselves", async () => {
    const { id, path } = await endpointAt(taker);
    await shop.look(
      `insert into event_deliveries (tenant_id, endpoint_id, event_id, type, attempt, started_at, milliseconds, outcome, status, fault)
       select $1, $2, gen_random_uuid(), 'signed_in', 1, $3::timestamptz - n / 3 * interval '1 second', n,
              case when n % 2 = 0 then 'retry' else 'delivered' end, 204, 'fault ' || n from generate_series(1, 150) n`,
      [tenant.id, id, shop.clock.now()],
    );
    for (const [query, expected] of [["", 150] as const, ["?show=failed", 75] as const]) {
      const seen: string[] = [];
      for (let at: string | undefined = `${path}${query}`; at !== undefined; ) {
        const { text }: { text: string } = await consoles.person("viewer").get(at).expect(200);
        seen.push(...[...text.matchAll(/in (\d+) ms/g)].map(([, milliseconds = ""]) => milliseconds));
        at = /href="([^"#]+)#attempts" rel="next"/.exec(text)?.[1]?.replaceAll("&amp;", "&");
      }
      expect([seen.length, new Set(seen).size]).toEqual([expected, expected]);
    }
    await sending.remove(id);
  });

  test("send a test at once and tell how it went", async () => {
    const one = await receiver();
    const { id, path, secret } = await endpointAt(one);
    const answer = await act(path, "test", { type: "plan.changed", reason: "Does it hear?" });
    expect(answer.status).toBe(303);
    expect(one.got.map(({ event }) => [event.type.endsWith(".tenant.plan.changed.v1"), event.madeup])).toEqual([
      [true, true],
    ]);
    for (const got of one.got) verify(secret, got);
    const told = (await eve().get(answer.headers["location"] ?? "")).text;
    expect(told).toMatch(/The test was taken in \d+ ms. It answered 204./);
    expect(told).not.toContain("/acts/resend");
    one.manner = answers(500);
    const second = await act(path, "test", { type: "plan.changed" });
    expect((await eve().get(second.headers["location"] ?? "")).text).toContain("The test was not taken");
    expect((await act(path, "test", { type: "no.such" })).status).toBe(422);
    expect(await acted(id, "test")).toEqual([
      { by: "operator:eve@vendor.example", reason: "Does it hear?" },
      { by: "operator:eve@vendor.example", reason: "a test" },
    ]);
    await sending.remove(id);
  });

  test("send one event again, which the tenant's audit knows too", async () => {
    const one = await receiver();
    const { id, path } = await endpointAt(one);
    await happens(shop, tenant);
    await sending.send();
    const [{ delivery = "" } = {}] = await shop.look<{ delivery: string }>(
      "select id as delivery from event_deliveries where endpoint_id = $1",
      [id],
    );
    const bob = consoles.person("support", "bob@vendor.example");
    const page = (await bob.get(path).expect(200)).text;
    expect(page).toContain(`${path}/acts/resend?delivery=${delivery}`);
    const form = hiddenIn((await bob.get(`${path}/acts/resend?delivery=${delivery}`).expect(200)).text);
    const sent = await bob.post(`${path}/acts/resend/confirmed`, { ...form, reason: "Lost there." });
    expect(sent.headers["location"]).toBe(`${path}?done=resend`);
    await sending.send();
    expect(one.got.map(({ event }) => event.id)).toEqual([one.got[0]?.event.id, one.got[0]?.event.id]);
    const told = await shop.look("select 1 from audit_entries where chain = $1 and data->>'reason' = 'Lost there.'", [
      tenant.id,
    ]);
    expect([told.length, (await acted(id, "resend")).length]).toEqual([1, 1]);
    const strange = await act(path, "resend", { delivery: crypto.randomUUID() });
    expect([strange.status, strange.text.includes("not kept any more")]).toEqual([409, true]);
    await sending.remove(id);
  });

  test("recover what was not taken since a time", async () => {
    await happens(shop, tenant);
    later(60);
    const one = await receiver();
    const { id, path } = await endpointAt(one);
    await sending.send();
    expect(one.got).toEqual([]);
    const since = new Date(shop.clock.now().getTime() - 120_000).toISOString().slice(0, 19).replace("T", " ");
    const answer = await act(path, "recover", { since });
    const { text } = await eve().get(answer.headers["location"] ?? "");
    const count = Number(/(\d+) events became owed/.exec(text)?.[1]);
    await sending.send();
    expect([count > 0, one.got.length]).toEqual([true, count]);
    for (const [wrong, says] of [
      ["yesterday", "Write the time as"],
      ["2001-01-01 00:00", "more than 30 days"],
      ["2999-01-01 00:00", "still to come"],
    ] as const) {
      const refused = await act(path, "recover", { since: wrong });
      expect([refused.status, refused.text.includes(says)]).toEqual([422, true]);
    }
    expect(await acted(id, "recover")).toHaveLength(1);
    await sending.remove(id);
  });

  test("rotate the secret: shown once, and the old one signs beside it until its time", async () => {
    const one = await receiver();
    const { id, path, secret } = await endpointAt(one);
    const stale = await formOf(path, "rotate");
    const answer = await act(path, "rotate", { overlap: "7200", reason: "It was in a chat." });
    const fresh = /whsec_[\w+/=]+/.exec(answer.text)?.[0] ?? "";
    expect([answer.status, fresh.length > 40, answer.headers["cache-control"]]).toEqual([200, true, "no-store"]);
    expect((await eve().get(path)).text).not.toContain("whsec_");
    await happens(shop, tenant);
    await sending.send();
    for (const got of one.got) {
      verify(fresh, got);
      verify(secret, got);
    }
    later(7_201);
    await happens(shop, tenant);
    await sending.send();
    const last = one.got.at(-1);
    if (last === undefined) throw new Error("Nothing was sent.");
    verify(fresh, last);
    expect(() => verify(secret, last)).toThrow();

    const second = await eve().post(`${path}/acts/rotate/confirmed`, { ...stale, overlap: "0", reason: "Me too." });
    expect([second.status, second.text.includes("It was in a chat.")]).toEqual([409, true]);
    expect(await acted(id, "rotate")).toHaveLength(1);
    await sending.remove(id);
  });

  test("disable and enable again, and tell the second of two", async () => {
    const one = await receiver(answers(410));
    const { id, path } = await endpointAt(one);
    await happens(shop, tenant);
    await sending.send();
    expect((await sending.find(id)).state).toBe("disabled");
    const stale = await formOf(path, "enable");
    one.manner = answers(204);
    expect((await act(path, "enable")).status).toBe(303);
    await sending.send();
    expect([one.got.length > 1, (await sending.find(id)).owed]).toEqual([true, 0]);
    const second = await eve().post(`${path}/acts/enable/confirmed`, { ...stale, reason: "me" });
    expect([second.status, second.text.includes("operator:eve@vendor.example")]).toEqual([409, true]);

    const old = await formOf(path, "disable");
    await sending.change(id, { types: ["suspended"] });
    const overtaken = await eve().post(`${path}/acts/disable/confirmed`, { ...old, reason: "me" });
    expect([overtaken.status, overtaken.text.includes("over the API")]).toEqual([409, true]);
    expect((await act(path, "disable")).headers["location"]).toBe(`${path}?done=disable`);
    expect((await sending.find(id)).state).toBe("off");
    expect((await act(path, "disable")).status).toBe(422);
    await sending.remove(id);
  });

  test("let nobody act without the role, a reason and the token of the form", async () => {
    const { id, path } = await endpointAt(taker);
    for (const [role, name, needed] of [
      ["viewer", "resend", "support"],
      ["support", "rotate", "operator"],
      ["support", "disable", "operator"],
      ["support", "test", "operator"],
      ["support", "recover", "operator"],
    ] as const) {
      for (const [method, end] of [
        ["GET", ""],
        ["POST", "/confirmed"],
      ] as const) {
        const { status, text } = await consoles.person(role).send(method, `${path}/acts/${name}${end}`);
        expect([name, method, status, text.includes(`takes the role ${needed}`)]).toEqual([name, method, 403, true]);
      }
    }
    expect((await act(path, "disable", { reason: " " })).status).toBe(422);
    expect((await act(path, "disable", { csrf_token: "x" })).status).toBe(403);
    expect((await sending.find(id)).state).toBe("on");
    await sending.remove(id);
  });

  test("answer 404 for an endpoint that is none, and 400 for a foreign cursor", async () => {
    const { id, path } = await endpointAt(taker);
    for (const [address, status] of [
      ["/console/endpoints/ep_none", 404],
      ["/console/endpoints/ep_none/acts/test", 404],
      [`${path}?cursor=x`, 400],
      [`${path}?cursor=${Buffer.from(`["2026-13-99T00:00:00Z","${crypto.randomUUID()}"]`).toString("base64url")}`, 400],
    ] as const) {
      expect([address, (await eve().get(address)).status]).toEqual([address, status]);
    }
    await sending.remove(id);
  });

  test("stand in the navigation of the console, behind its sign-in", async () => {
    const whole = await wholeConsole(shop);
    const { text } = await (await whole.signIn()).get("/console/endpoints").expect(200);
    expect(text).toContain('<a href="/console/endpoints" aria-current="page">Endpoints</a>');
    expect((await whole.visitor("").get("/console/endpoints")).status).toBe(303);
  });

  test("hide in addresses whatever looks like a secret", () => {
    expect(shownAddress("https://hooks.example/services/T0123ABCD/B0123/abcdefghijKLMNOPqrstuvwx")).toBe(
      "https://hooks.example/services/T0123ABCD/B0123/…",
    );
    expect(shownAddress("https://x.example/lifecycle-events?key=1&key=2")).toBe(
      "https://x.example/lifecycle-events?key=…&key=…",
    );
    expect(shownAddress("desk: the second")).toBe("desk: the second");
  });
});
