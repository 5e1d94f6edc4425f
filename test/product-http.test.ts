import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import { httpProduct, productSigningKey } from "../src/product/http.ts";
import { type ProductCall, productVerbs, Refused, RetryLater } from "../src/product/product.ts";
import { createProvider } from "../src/provider/provider.ts";
import { SECOND } from "./support/clock.ts";
import { about, closeProviders, purchase, runDueOperations, testProvider } from "./support/provider.ts";

const secret = "a product secret, long enough";
const call: ProductCall = {
  operationId: "0f8fad5b-d9cb-469f-a165-70867728950e",
  tenant: {
    id: "k".repeat(26),
    marketplace: "bazaar",
    resourceId: "r1",
    name: "Zoë's",
    region: "eu",
    options: { a: 1 },
  },
  plan: "basic",
  limits: { requests: 10 },
};

interface Seen {
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly path: string | undefined;
}

type Answer = (response: ServerResponse) => void;

let server: Server;
let url: string;
let seen: Seen[] = [];
let answers: Answer[] = [];

beforeAll(async () => {
  server = createServer(async (request: IncomingMessage, response) => {
    seen.push({ headers: request.headers as Record<string, string>, body: await text(request), path: request.url });
    (answers.shift() ?? json(200, {}))(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`;
});

beforeEach(() => {
  seen = [];
  answers = [];
});

afterAll(async () => {
  await closeProviders();
  server.closeAllConnections();
  server.close();
});

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };

function ask(answer: Answer, ms = 2_000) {
  answers.push(answer);
  return httpProduct({ url, secret }).provision(call, AbortSignal.timeout(ms));
}

const signedBy = (one: Seen, key = productSigningKey(secret)) => new Webhook(key).verify(one.body, one.headers);

describe("a call to the product", () => {
  test("is a POST signed per Standard Webhooks: the library of the receivers verifies it", async () => {
    await ask(json(200, {}));
    const [one] = seen;
    if (one === undefined) throw new Error("The product was not called.");
    expect(signedBy(one)).toEqual({ type: "provision", ...call });
    expect(one).toMatchObject({ path: "/hooks", headers: { "content-type": "application/json" } });
    expect(one.headers["webhook-id"]).toContain(call.operationId);
    expect(() => signedBy({ ...one, body: one.body.replace("basic", "gold") })).toThrow();
    expect(() => signedBy(one, productSigningKey(`${secret}!`))).toThrow();
    expect(() => signedBy({ ...one, headers: { ...one.headers, "webhook-timestamp": "1" } })).toThrow();
  });

  test("names its verb, with a message id that only a repeat shares", async () => {
    const product = httpProduct({ url, secret });
    for (const verb of productVerbs) await product[verb](call, AbortSignal.timeout(2_000));
    await product.provision(call, AbortSignal.timeout(2_000));
    expect(seen.map((one) => JSON.parse(one.body).type)).toEqual([...productVerbs, "provision"]);
    const ids = seen.map((one) => one.headers["webhook-id"]);
    expect(ids.at(-1)).toBe(ids[0]);
    expect(new Set(ids).size).toBe(productVerbs.length);
  });

  test("is done by 2xx, with config and message or without a body", async () => {
    expect(await ask(json(200, { config: { A_B: "c" }, message: "Hi", more: 1 }))).toEqual({
      config: { A_B: "c" },
      message: "Hi",
    });
    expect(await ask(json(201, { config: null, message: null }))).toEqual({});
    expect(await ask((response) => response.writeHead(204).end())).toEqual({});
    expect(await ask(json(200, " \n"))).toEqual({});
    expect((await ask(json(200, { message: "x".repeat(9_000) }))).message).toHaveLength(500);
  });

  test.each([
    [{}, undefined],
    [{ "retry-after": "7" }, 7],
    [{ "retry-after": "999999" }, 3_600],
    [{ "retry-after": "-1" }, undefined],
    [{ "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT" }, undefined],
  ])("is not yet done by 202 with %j: asked again after %s seconds", async (headers, afterSeconds) => {
    const fault = await ask(json(202, { config: { A: "ignored" } }, headers)).catch((thrown: unknown) => thrown);
    expect(fault).toBeInstanceOf(RetryLater);
    expect((fault as RetryLater).afterSeconds).toBe(afterSeconds);
  });

  test.each([400, 402, 403, 404, 409, 410, 422, 451])("is refused by %s with a message", async (status) => {
    const fault = await ask(json(status, { message: "Not in this region." })).catch((thrown: unknown) => thrown);
    expect(fault).toBeInstanceOf(Refused);
    expect((fault as Refused).message).toBe("Not in this region.");
  });

  const faults: readonly (readonly [string, Answer])[] = [
    ["500", json(500, { message: "no" })],
    ["503", json(503, "")],
    ["401, which is about the signature", json(401, { message: "who?" })],
    ["429", json(429, { message: "slow down" })],
    ["4xx without a message", json(404, {})],
    ["4xx with a page", json(400, "<h1>Bad</h1>")],
    ["a redirect", json(307, {}, { location: "/elsewhere" })],
    ["2xx that is no JSON", json(200, "<h1>Fine</h1>")],
    ["2xx with a list", json(200, [])],
    ["2xx with config that is no text", json(200, { config: { A: 1 } })],
    ["a connection cut off", (response) => response.destroy()],
    ["half an answer", halfAnAnswer],
  ];

  test.each(faults)("is a fault, to be tried again, by %s", async (_, answer) => {
    const fault = await ask(answer).catch((thrown: unknown) => thrown);
    expect(fault).toHaveProperty("message");
    expect(fault).not.toBeInstanceOf(Refused);
    expect(fault).not.toBeInstanceOf(RetryLater);
    expect(seen).toHaveLength(1);
  });

  test.each([
    ["headers that never come", () => undefined],
    ["a body that drips", drip],
  ])("ends with its budget for %s", async (_, answer) => {
    const startedAt = performance.now();
    await expect(ask(answer as Answer, 200)).rejects.toThrow();
    expect(performance.now() - startedAt).toBeLessThan(1_500);
  });

  test("reads no more than 64 kB of an answer", async () => {
    await expect(ask(endless)).rejects.toThrow("larger than 64 kB");
    expect(await ask(json(200, { message: "x", padding: "x".repeat(60_000) }))).toEqual({ message: "x" });
  });

  test("is a fault that says why where nobody listens", async () => {
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as AddressInfo;
    closed.close();
    const nowhere = httpProduct({ url: `http://127.0.0.1:${port}`, secret }).provision(
      call,
      AbortSignal.timeout(2_000),
    );
    await expect(nowhere).rejects.toThrow("The product could not be reached (ECONNREFUSED).");
  });

  function halfAnAnswer(response: ServerResponse): void {
    response.writeHead(200, { "content-length": "99" });
    response.write("{");
    setTimeout(() => response.destroy(), 20);
  }

  function endless(response: ServerResponse): void {
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write("x".repeat(16_384)));
      response.once("drain", more);
    };
    more();
  }

  function drip(response: ServerResponse): void {
    response.writeHead(200);
    const drops = setInterval(() => response.write(" "), 20);
    response.once("close", () => clearInterval(drops));
  }
});

describe("a purchase with such a product", () => {
  test("is asked again with the same operation until the product is done, and undone as another operation", async () => {
    const shop = await testProvider();
    const provider = createProvider({ ...shop.deps, product: httpProduct({ url, secret }) });
    answers.push(json(202, {}), json(500, {}), json(200, { config: { ACME_SEARCH_INDEX: "main" } }));
    const outcome = await provider.provision(purchase());
    expect(outcome).toMatchObject({ kind: "running" });
    for (const pause of [2, 4]) {
      shop.clock.advance(pause * SECOND);
      await runDueOperations(provider);
    }
    const { tenant } = outcome.value;
    expect(await provider.configVars(tenant.id)).toMatchObject({ ACME_SEARCH_INDEX: "main" });
    await provider.deprovision(about(tenant));
    const told = seen.map((one) => JSON.parse(one.body));
    expect(told.map((one) => one.type)).toEqual(["provision", "provision", "provision", "deprovision"]);
    expect(new Set(told.slice(0, 3).map((one) => one.operationId))).toEqual(
      new Set([(outcome as { operationId: string }).operationId]),
    );
    expect(told.at(-1).operationId).not.toBe(told[0].operationId);
    expect(seen.every((one) => signedBy(one))).toBe(true);
  });
});
