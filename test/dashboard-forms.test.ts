import supertest from "supertest";
import { about, type TestProvider } from "./support/provider.ts";
import { enterStage, leaveStage, type Stage } from "./support/visitor.ts";

const KEY = "ACME_SEARCH_API_KEY";

let stage: Stage;
let shop: TestProvider;

beforeAll(async () => {
  stage = await enterStage();
  ({ shop } = stage);
});

afterAll(leaveStage);

describe("a form", () => {
  const actions = [
    ["/dashboard/rotate", { overlap: "0" }],
    ["/dashboard/reveal", { name: KEY }],
    ["/dashboard/revoke", { credential: "00000000-0000-0000-0000-000000000000" }],
    ["/dashboard/sign-out", {}],
  ] as const;

  test("each carries the token of its session", async () => {
    const visitor = await stage.customer();
    await visitor.post("/dashboard/rotate", { overlap: "7200" });
    const { text } = await visitor.get("/dashboard");
    const token = await visitor.token();
    const forms = text.match(/<form.*?<\/form>/gs) ?? [];
    expect(forms.map((form) => /action="([^"#]+)/.exec(form)?.[1]).sort()).toEqual([
      "/dashboard/export",
      "/dashboard/reveal",
      "/dashboard/reveal",
      "/dashboard/revoke",
      "/dashboard/rotate",
      "/dashboard/sign-out",
    ]);
    for (const form of forms) expect(form).toContain(`name="csrf_token" value="${token}"`);
  });

  test("without the token of its own session it is refused and changes nothing", async () => {
    const [visitor, stranger] = [await stage.customer(), await stage.customer()];
    const before = await stage.eventsOf(visitor.tenant);
    for (const [action, fields] of actions) {
      for (const token of ["", "x", await stranger.token()]) {
        const { status, text } = await visitor.post(action, { ...fields, csrf_token: token });
        expect(status).toBe(403);
        expect(text).toContain("<h1>The form has expired</h1>");
      }
    }
    expect(await stage.eventsOf(visitor.tenant)).toEqual(before);
    expect((await visitor.get("/dashboard")).status).toBe(200);
  });

  test("a token sent twice, in the address or as a header does not count", async () => {
    const visitor = await stage.customer();
    const token = await visitor.token();
    const tries = [
      await visitor.post("/dashboard/rotate", { overlap: "0", csrf_token: [token, token] }),
      await visitor.post(`/dashboard/rotate?csrf_token=${token}`, { overlap: "0", csrf_token: "" }),
      await visitor.post("/dashboard/rotate", { overlap: "0", csrf_token: "" }, { "X-CSRF-Token": token }),
    ];
    expect(tries.map(({ status }) => status)).toEqual([403, 403, 403]);
  });

  test("from another site it is refused even with the token", async () => {
    const visitor = await stage.customer();
    const before = await stage.eventsOf(visitor.tenant);
    const foreign = [
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site" },
      { "Sec-Fetch-Site": "none" },
      { "Sec-Fetch-Site": "cross-site", Origin: "http://127.0.0.1" },
      { Origin: "http://evil.example" },
      { Origin: "http://127.0.0.1.evil.example" },
    ];
    for (const headers of foreign) {
      expect((await visitor.post("/dashboard/rotate", { overlap: "0" }, headers)).status).toBe(403);
    }
    expect(await stage.eventsOf(visitor.tenant)).toEqual(before);
    for (const headers of [
      { "Sec-Fetch-Site": "same-origin", Origin: "null" },
      { Origin: "http://127.0.0.1" },
      { Origin: "null" },
    ]) {
      expect((await visitor.post("/dashboard/reveal", { name: KEY }, headers)).status).toBe(200);
    }
  });

  test("is not read from somebody who is not signed in", async () => {
    for (const [action] of actions) {
      const answer = await supertest(stage.url).post(action).set("Content-Type", "text/plain").send("x").expect(401);
      expect(answer.get("WWW-Authenticate")).not.toMatch(/basic/i);
    }
  });

  test("has no second way in by GET", async () => {
    const visitor = await stage.customer();
    for (const [action] of actions) expect((await visitor.get(action)).status).toBe(404);
  });

  test("a repeated or missing field, another content type and an endless body are refused", async () => {
    const visitor = await stage.customer();
    const before = await stage.eventsOf(visitor.tenant);
    expect((await visitor.post("/dashboard/rotate", { overlap: ["0", "0"] })).status).toBe(400);
    expect((await visitor.post("/dashboard/rotate")).status).toBe(400);
    expect((await visitor.post("/dashboard/rotate", {}, { "Content-Type": "application/json" })).status).toBe(400);
    expect((await visitor.post("/dashboard/rotate", { overlap: "0".repeat(20_000) })).status).toBe(413);
    expect(await stage.eventsOf(visitor.tenant)).toEqual(before);
  });

  test("a script whose form is refused gets a notice to show, and one without a session loads the page anew", async () => {
    const visitor = await stage.customer();
    const script = { "HX-Request": "true" };
    const refused = await visitor.post("/dashboard/reveal", { name: "PATH" }, script);
    expect([refused.status, refused.headers["hx-retarget"]]).toEqual([400, "#notice"]);
    expect(refused.text).toMatch(/^<p class="notice bad">/);
    await shop.deprovision(about(visitor.tenant));
    const ended = await visitor.get("/dashboard/status", script);
    expect([ended.status, ended.headers["hx-refresh"]]).toEqual([401, "true"]);
  });
});

describe("a page", () => {
  const loaded = (text: string) =>
    [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => String(path));

  test.each([
    "/dashboard",
    "/dashboard/activity",
    "/dashboard/usage?range=30d",
    "/dashboard/alerts",
    "/dashboard/credentials/new",
  ])("%s weighs less than 100 kB with everything it loads, uncompressed", async (path) => {
    const visitor = await stage.customer();
    for (let number = 0; number < 10; number += 1) await visitor.post("/dashboard/reveal", { name: KEY });
    const { text } = await visitor.get(path);
    const files = await Promise.all(
      loaded(text).map((file) => supertest(stage.url).get(file).set("Accept-Encoding", "identity").buffer()),
    );
    expect(files.length).toBeGreaterThan(1);
    const bytes = [text, ...files.map((file) => file.text ?? file.body)].map((one) => Buffer.byteLength(one));
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(100_000);
  });

  test("loads only our own files, which a browser may keep for ever", async () => {
    const { text } = await (await stage.customer()).get("/dashboard");
    for (const path of loaded(text)) {
      expect(path).toMatch(/^\/assets\/\w+\.[\da-f]{12}\.(css|js)$/);
      const plain = await supertest(stage.url).get(path).set("Accept-Encoding", "identity").expect(200);
      const zipped = await supertest(stage.url).get(path).set("Accept-Encoding", "gzip").expect(200);
      expect(plain.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
      expect([plain.get("Content-Encoding"), zipped.get("Content-Encoding")]).toEqual([undefined, "gzip"]);
      expect(Number(zipped.get("Content-Length"))).toBeLessThan(Number(plain.get("Content-Length")));
      expect(zipped.text).toBe(plain.text);
    }
    await supertest(stage.url).get("/assets/dashboard.000000000000.css").expect(404);
  });

  test("has no inline style or script, and its policy allows none", async () => {
    const { text, headers } = await (await stage.customer()).get("/dashboard");
    expect(text).not.toMatch(/<style|style="|<script>|\son\w+="|hx-on/);
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
  });
});
