import { createHmac, randomUUID } from "node:crypto";
import { DAY, HOUR } from "./support/clock.ts";
import { type Answer, ask, buy, clear, closeShops, grant, type HerokuShop, herokuShop } from "./support/heroku.ts";

type Bought = { uuid: string; id: string };

let shop: HerokuShop;

beforeAll(async () => {
  shop = await herokuShop({ section: { webhooks: true } });
});

afterEach(() => clear(shop));
afterAll(closeShops);

async function bought(): Promise<Bought> {
  const made = await buy(shop, { oauth_grant: grant(shop, randomUUID()) });
  await shop.provider.work();
  return made;
}

const people = "GET /apps/app-1/collaborators";
const subscribe = ({ uuid }: Bought) => `POST /addons/${uuid}/webhooks`;
const tenantOf = async ({ id }: Bought) => {
  const tenant = await shop.provider.findTenant({ tenant: id });
  if (tenant === undefined) throw new Error("There is no such tenant.");
  return tenant;
};
const textsOf = async (made: Bought) => shop.marketplace.describe(await tenantOf(made));

describe("The people behind a purchase", () => {
  test("are looked up with the grant: add-on, app, owner and collaborators", async () => {
    const made = await bought();
    expect(await textsOf(made)).toMatchObject({
      appName: "shop",
      owner: "owner@example.com",
      people: [
        { id: "user-2", email: "friend@example.com", role: "member" },
        { id: "user-1", email: "owner@example.com", role: "owner" },
      ],
    });
  });

  test("are the team's members too where a team owns the app", async () => {
    shop.heroku.world.team = { id: "team-1", name: "the-team" };
    const { owner, people: found } = await textsOf(await bought());
    expect(owner).toBe("the-team");
    expect(found.map(({ email }) => email)).toEqual(["friend@example.com", "member@example.com", "owner@example.com"]);
  });

  test("are read to the last page, but not for ever, and a list that is closed to us is empty", async () => {
    const page = (id: number) => ({
      status: 206,
      headers: { "next-range": `id ${id}..` },
      body: [{ role: "member", user: { id: `p${id}`, email: `p${id}@example.com` } }],
    });
    shop.heroku.say(people, ...[1, 2, 3, 4, 5, 6, 7].map(page));
    const { people: found } = await textsOf(await bought());
    expect(found.map(({ id }) => id)).toEqual(["p1", "p2", "p3", "p4", "p5"]);
    expect(shop.heroku.to(people).map(({ headers }) => headers.range)).toEqual([
      undefined,
      "id 1..",
      "id 2..",
      "id 3..",
      "id 4..",
    ]);
    await clear(shop);
    shop.heroku.say(people, { status: 403, body: { id: "forbidden" } });
    expect((await textsOf(await bought())).people).toEqual([]);
  });

  test("are looked up again with each refresh of the grant, and a new name is a lifecycle event", async () => {
    const made = await bought();
    Object.assign(shop.heroku.world, { addonName: "search-of-the-shop", appName: "bigger-shop" });
    shop.provider.clock.advance(8 * HOUR);
    await shop.marketplace.upkeep?.();
    await shop.provider.work();
    expect(await tenantOf(made)).toMatchObject({ name: "search-of-the-shop", facts: { app: "bigger-shop" } });
    const renamed = await shop.provider.look<{ data: object }>(
      "select data from lifecycle_events where tenant_id = $1 and type = 'renamed' order by sequence",
      [made.id],
    );
    expect(renamed.map(({ data }) => data)).toEqual([
      { what: "add-on", from: "acme-search-flat-1", to: "search-of-the-shop" },
      { what: "app", from: "shop", to: "bigger-shop" },
    ]);
  });

  test("go with the tenant", async () => {
    const made = await bought();
    await ask(shop, "DELETE", `/resources/${made.id}`);
    expect((await textsOf(made)).people).toEqual([]);
    expect((await tenantOf(made)).facts).toEqual({});
  });
});

test("the texts for the dashboard name the commands of Heroku's CLI", async () => {
  const { ways, ...texts } = await textsOf(await bought());
  expect(texts).toMatchObject({
    title: "Heroku",
    headerId: "heroku-header",
    backUrl: "https://dashboard.heroku.com/apps/shop",
  });
  expect(texts.rotationWarning).toContain("dynos");
  const command = "heroku addons:upgrade acme-search-flat-1 acme-search:premium -a shop";
  expect(ways.changePlan("premium")).toEqual({ command });
  expect(ways.showConfig).toEqual({ command: "heroku config -a shop" });
  expect(ways.remove).toEqual({ command: "heroku addons:destroy acme-search-flat-1 -a shop" });
});

test("a name that a shell would run is in no command", async () => {
  Object.assign(shop.heroku.world, { addonName: "x; rm -rf ~", appName: "$(reboot)" });
  const made = await bought();
  const { ways } = await textsOf(made);
  expect(ways.remove).toEqual({ command: `heroku addons:destroy ${made.uuid} -a YOUR-APP` });
});

interface Subscribed {
  readonly url: string;
  readonly secret: string;
  readonly authorization: string;
}

const subscriptionOf = (made: Bought): Subscribed => JSON.parse(shop.heroku.to(subscribe(made))[0]?.text ?? "{}");

function notify(to: Subscribed, event: object | string, change: Record<string, string> = {}): Promise<Answer> {
  const body = typeof event === "string" ? event : JSON.stringify(event);
  return ask(shop, "POST", "/webhooks", {
    body,
    headers: {
      authorization: to.authorization,
      "heroku-webhook-hmac-sha256": createHmac("sha256", to.secret).update(body).digest("base64"),
      ...change,
    },
  });
}

const event = (id = randomUUID()) => ({
  id: randomUUID(),
  action: "update",
  resource: "app",
  data: { name: "whatever-it-says" },
  webhook_metadata: { attempt: { id: randomUUID() }, event: { id, include: "api:app" } },
});

describe("Webhooks", () => {
  test("are subscribed once per tenant, with secrets that cannot be read from the database", async () => {
    const made = await bought();
    const subscription = subscriptionOf(made);
    expect(subscription).toEqual({
      include: ["api:addon", "api:app", "api:collaborator"],
      level: "sync",
      url: "http://addons.example/heroku/webhooks",
      secret: expect.stringMatching(/^[\w-]{43}$/),
      authorization: expect.stringMatching(new RegExp(`^Bearer ${made.id}\\.[\\w-]{43}$`)),
    });
    shop.provider.clock.advance(8 * HOUR);
    await shop.marketplace.upkeep?.();
    await shop.provider.work();
    expect(shop.heroku.to(subscribe(made))).toHaveLength(1);
    const rows = JSON.stringify(await shop.provider.look("select w::text from heroku_webhooks w"));
    expect(rows).not.toContain(subscription.secret);
    expect(rows).not.toContain(subscription.authorization.slice(-43));
  });

  test("are not subscribed a second time when the answer to the first was lost", async () => {
    const made = await buy(shop, { oauth_grant: grant(shop, randomUUID()) });
    shop.heroku.say(subscribe(made), "break");
    shop.heroku.say(
      `GET /addons/${made.uuid}/webhooks`,
      { status: 200, body: [] },
      {
        status: 200,
        body: [
          { id: "w-0", url: "https://other.example" },
          { id: "w-1", url: "http://addons.example/heroku/webhooks" },
        ],
      },
    );
    await shop.provider.rest();
    expect(shop.heroku.to(subscribe(made))).toHaveLength(1);
    expect((await notify(subscriptionOf(made), event())).status).toBe(204);
  });

  test("are not subscribed where the manifest does not ask for it", async () => {
    const quiet = await herokuShop();
    await buy(quiet, { oauth_grant: grant(quiet, "c") });
    await quiet.provider.rest();
    expect(quiet.heroku.heard.filter(({ path }) => path.endsWith("/webhooks"))).toEqual([]);
  });

  test.each([{ webhooks: ["api:builds"] }, { webhooks: "yes" }, { webhook: true }])(
    "the section %p of the manifest is refused at the start",
    async (section) => {
      await expect(herokuShop({ section })).rejects.toMatchObject({ code: "config_invalid" });
    },
  );

  test("are answered 204, and what Heroku says then counts, not what the event said", async () => {
    const made = await bought();
    shop.heroku.world.appName = "renamed-shop";
    const answer = await notify(subscriptionOf(made), event());
    expect([answer.status, answer.text]).toEqual([204, ""]);
    await shop.provider.work();
    expect((await tenantOf(made)).facts["app"]).toBe("renamed-shop");
  });

  test("count once, however often and however much at once they come", async () => {
    const made = await bought();
    const [one, looks] = [event(), shop.heroku.to(people).length];
    const answers = await Promise.all(Array.from({ length: 10 }, () => notify(subscriptionOf(made), one)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
    await shop.provider.work();
    expect((await notify(subscriptionOf(made), { ...one, id: randomUUID() })).status).toBe(204);
    await shop.provider.work();
    expect(shop.heroku.to(people)).toHaveLength(looks + 1);
    await Promise.all(Array.from({ length: 10 }, () => notify(subscriptionOf(made), event())));
    await shop.provider.work();
    expect(shop.heroku.to(people)).toHaveLength(looks + 2);
  });

  test("are forgotten after eight days", async () => {
    const made = await bought();
    await notify(subscriptionOf(made), event());
    shop.provider.clock.advance(9 * DAY);
    await shop.marketplace.upkeep?.();
    expect(await shop.provider.look("select id from heroku_webhook_events")).toEqual([]);
  });

  test("with a wrong signature or token, of another tenant, or of one that is gone are 401 alike", async () => {
    const made = await bought();
    const other = subscriptionOf(await bought());
    const mine = subscriptionOf(made);
    const body = JSON.stringify(event());
    const signed = createHmac("sha256", mine.secret).update(body).digest("base64");
    const answers = [
      await notify(mine, body, { "heroku-webhook-hmac-sha256": signed.toLowerCase() }),
      await notify(mine, `${body} `, { "heroku-webhook-hmac-sha256": signed }),
      await notify({ ...mine, secret: other.secret }, body),
      await notify({ ...mine, authorization: other.authorization }, body),
      await notify({ ...mine, authorization: `${mine.authorization}x` }, body),
      await notify({ ...mine, authorization: `Bearer ${made.id}.` }, body),
      await notify({ ...mine, authorization: "" }, body),
      await notify({ ...mine, authorization: "Bearer abcdefghijklmnopqrstuvwxyz.x" }, body),
    ];
    await ask(shop, "DELETE", `/resources/${made.id}`);
    answers.push(await notify(mine, body));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(401);
    expect(await shop.provider.look("select id from heroku_webhook_events")).toEqual([]);
  });

  test("that are signed but no JSON get a clear answer, and too large ones are 413", async () => {
    const mine = subscriptionOf(await bought());
    expect((await notify(mine, "{")).status).toBe(400);
    expect((await notify(mine, "x".repeat(300_000))).status).toBe(413);
    expect((await notify(mine, "[]")).status).toBe(204);
  });
});
