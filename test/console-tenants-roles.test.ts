import type { Role } from "../src/dashboard/console/parts.ts";
import { HIDDEN, redacted } from "../src/dashboard/console/tenants/redact.ts";
import { MINUTE } from "./support/clock.ts";
import { consoleOf } from "./support/console-tenants-app.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";

let shop: TestProvider;
let consoles: Awaited<ReturnType<typeof consoleOf>>;

beforeAll(async () => {
  shop = await testProvider({ budgets: { product: 150 } });
  consoles = await consoleOf(shop, { currentTruth: () => Promise.resolve([]) });
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

async function bought() {
  const { tenant } = (await shop.provision(purchase({ resourceId: crypto.randomUUID(), name: "acme-search-seen" })))
    .value;
  await shop.rest();
  return tenant;
}

describe("roles", () => {
  test("of a viewer reach no act, and those of support only what changes nothing for the customer", async () => {
    const { id } = await bought();
    const open = { viewer: [] as string[], support: [] as string[], operator: [] as string[] };
    const guarded = consoles.routes.filter((route) => route.startsWith("POST") || route.includes("/acts/"));
    expect(guarded.length).toBe(17);
    for (const role of Object.keys(open) as Exclude<Role, "admin">[]) {
      for (const route of guarded) {
        const [method = "", path = ""] = route.replace(":id", id).split(" ");
        const { status, text } = await consoles.person(role).send(method, `/console/tenants${path}`);
        // A form without its token is refused too, but with other words.
        if (status !== 403 || !text.includes("takes the role")) open[role].push(route.replace("/:id", ""));
      }
    }
    expect(open.viewer).toEqual([]);
    expect(open.support.sort()).toEqual(
      [
        "GET /acts/retry",
        "GET /acts/view",
        "POST /acts/retry/confirmed",
        "POST /acts/view/confirmed",
        "POST /ask",
      ].sort(),
    );
    expect(open.operator).toHaveLength(guarded.length);
    expect((await shop.events({ id })).filter((type) => type.startsWith("operator"))).toEqual([]);
  });

  test("are offered what they may do, and no more", async () => {
    const { id } = await bought();
    const offered = async (role: Role) =>
      [...(await consoles.person(role).get(`/console/tenants/${id}`)).text.matchAll(/acts\/(\w+)"/g)].map(
        ([, act]) => act,
      );
    expect(await offered("viewer")).toEqual([]);
    expect(await offered("support")).toEqual(["view"]);
    expect(await offered("operator")).toEqual(["view", "suspend", "rotate", "change_plan", "deprovision"]);
  });

  test("do not help a form without its token, or from another site", async () => {
    const { id, resourceId } = await bought();
    const path = `/console/tenants/${id}/acts/deprovision`;
    const ada = consoles.person("operator");
    const bare = { version: "99", reason: "x", typed: resourceId };
    expect((await ada.post(`${path}/confirmed`, bare)).status).toBe(403);
    expect((await ada.post(`${path}/confirmed`, { ...bare, csrf_token: "guess" })).status).toBe(403);
    const form = {
      ...bare,
      csrf_token: /name="csrf_token" value="([^"]+)"/.exec((await ada.get(path)).text)?.[1] ?? "",
    };
    expect((await ada.post(`${path}/confirmed`, form).set("sec-fetch-site", "cross-site")).status).toBe(403);
    expect((await shop.findTenant({ tenant: id }))?.state).toBe("active");
  });
});

describe("a view as the customer", () => {
  test("is opened with a reason, told to the customer and the audit, and marked on every page", async () => {
    const { id } = await bought();
    const bob = consoles.person("support", "bob@vendor.example");
    const answer = await bob.act(id, "view", { reason: "A question about usage." });
    expect([answer.status, answer.headers["location"]]).toEqual([303, "/dashboard"]);
    for (const path of ["/dashboard", "/dashboard/activity", "/dashboard/usage", "/dashboard/credentials/new"]) {
      const { status, text } = await bob.get(path);
      expect([path, status]).toEqual([path, 200]);
      expect(text).toContain("Viewing as the customer");
      expect(text).toContain(`href="/console/tenants/${id}"`);
    }
    const activity = (await bob.get("/dashboard/activity")).text;
    expect(activity).toContain("without seeing any secret: A question about usage.");
    expect(activity).not.toContain("bob@vendor.example</");
    const [entry] = await shop.look(
      `select "by", data->>'reason' as reason from audit_entries where chain = $1 and action = 'operator.viewed'`,
      [id],
    );
    expect(entry).toEqual({ by: "operator:bob@vendor.example", reason: "A question about usage." });
  });

  test("neither changes nor reveals anything", async () => {
    const { id } = await bought();
    const bob = consoles.person("support");
    await bob.act(id, "view");
    const token = /name="csrf_token" value="([^"]+)"/.exec((await bob.get("/dashboard")).text)?.[1] ?? "";
    const before = [await shop.events({ id }), await shop.configVars(id)];
    const posts = [
      ["reveal", { name: "ACME_SEARCH_API_KEY" }],
      ["rotate", { overlap: "0" }],
      ["revoke", { credential: crypto.randomUUID() }],
      ["credentials", { name: "mine", kind: "api-key" }],
      ["credentials/rotate", {}],
      ["credentials/revoke", {}],
      ["aws/offer", {}],
      ["sign-out", {}],
    ] as const;
    for (const [path, fields] of posts) {
      const { status, text } = await bob.post(`/dashboard/${path}`, { csrf_token: token, ...fields });
      expect([path, status]).toEqual([path, 403]);
      expect(text).toContain("as the customer sees it. Nothing can be changed or revealed here, and nothing was.");
    }
    expect([await shop.events({ id }), await shop.configVars(id)]).toEqual(before);
  });

  test("ends after 30 minutes, used or not", async () => {
    const { id } = await bought();
    const bob = consoles.person("support");
    await bob.act(id, "view");
    shop.clock.advance(20 * MINUTE);
    expect((await bob.get("/dashboard")).status).toBe(200);
    shop.clock.advance(10 * MINUTE);
    expect((await bob.get("/dashboard")).status).toBe(401);
  });
});

describe("what is shown of a payload", () => {
  test("holds no secret, whatever its name or shape", () => {
    const secret = "s3cr3t-value";
    const sealed = "v1.k1.aXY.Y2lwaGVy.dGFn";
    const names = [
      "secret",
      "access_token",
      "password",
      "API_KEY",
      "code",
      "grant",
      "configVars",
      "Authorization",
      "session",
    ];
    for (const name of names) expect(redacted({ [name]: secret })).toEqual({ [name]: HIDDEN });
    const texts = [
      sealed,
      `Bearer ${secret}`,
      `postgres://user:${secret}@db.example/x`,
      "whsec_c2VjcmV0",
      "eyJhbGciOiJF.eyJz.c2ln",
    ];
    for (const text of texts) expect(JSON.stringify(redacted({ deep: [{ said: text }] }))).toContain("[hidden]");
    for (const text of texts)
      expect(JSON.stringify(redacted({ said: text }))).not.toMatch(/s3cr3t|c2VjcmV0|Y2lwaGVy|eyJz/);
    expect(redacted({ plan: "basic", credential: "c-1", quantity: 3, none: null })).toEqual({
      plan: "basic",
      credential: "c-1",
      quantity: 3,
      none: null,
    });
    expect(String(redacted({ long: "x".repeat(9_000) })["long"])).toHaveLength(301);
  });
});
