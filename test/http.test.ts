import { Agent, get, IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import express, { Router } from "express";
import { bytesBody } from "../src/http/body.ts";
import { expressPrototypes } from "../src/http/express-prototypes.ts";
import { drain } from "../src/http/server.ts";
import { closeServers, exchange, listen } from "./support/listen.ts";

afterEach(closeServers);

describe("createServer", () => {
  test("a request and its answer arrive with the prototypes Express would give them", async () => {
    const app = express();
    app.get("/", (_req, res) => res.send("ok"));
    const { server, url } = await listen(app);
    const seen: boolean[] = [];
    server.prependListener("request", (req, res) => {
      seen.push(Object.getPrototypeOf(req) === app.request, Object.getPrototypeOf(res) === app.response);
    });
    expect(await (await fetch(url)).text()).toBe("ok");
    expect(seen).toEqual([true, true]);
  });

  test("Routers, request properties, error handlers and 404 work, for two servers of one app", async () => {
    const router = Router();
    router.get("/:name", (req, res) => {
      res.json({ name: req.params.name, base: req.baseUrl, ip: req.ip, host: req.hostname, query: req.query });
    });
    router.get("/:name/broken", async () => {
      throw new Error("broken");
    });
    const app = express().use("/things", router);
    app.use(((error: Error, _req, res, _next) => res.status(500).send(error.message)) as express.ErrorRequestHandler);
    for (const { url } of [await listen(app), await listen(app)]) {
      expect(await (await fetch(`${url}/things/a%20b?x=1`)).json()).toEqual({
        name: "a b",
        base: "/things",
        ip: "127.0.0.1",
        host: "127.0.0.1",
        query: { x: "1" },
      });
      expect(await (await fetch(`${url}/things/a/broken`)).text()).toBe("broken");
      expect((await fetch(`${url}/nothing`)).status).toBe(404);
    }
  });

  test("an app whose prototypes do not hold is left as it was and served all the same", async () => {
    const app = express();
    const before = Object.setPrototypeOf(app.request, IncomingMessage.prototype);
    app.use((_req, res) => res.end("plain"));
    expect(expressPrototypes(app)).toBeUndefined();
    expect(app.request).toBe(before);
    expect(await (await fetch((await listen(app)).url)).text()).toBe("plain");
  });

  const post = "POST / HTTP/1.1\r\nHost: a\r\n";
  test.each([
    ["a length and chunks", 400, `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["two lengths", 400, `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
    ["a length that is no number", 400, `${post}Content-Length: +5\r\n\r\nhello`],
    ["an unknown transfer encoding", 400, `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ["a space before the colon", 400, `${post}Content-Length : 5\r\n\r\nhello`],
    ["no host", 400, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"],
    ["17 kB of headers", 431, `${post}X-Long: ${"a".repeat(17_000)}\r\n\r\n`],
    ["65 headers", 431, `${post}${"X-Many: 1\r\n".repeat(63)}Connection: close\r\n\r\n`],
    ["64 headers", 200, `${post}${"X-Many: 1\r\n".repeat(62)}Connection: close\r\n\r\n`],
  ])("a request with %s is answered %i", async (_name, status, request) => {
    const { port } = await listen(express().use(bytesBody(1_000), (_req, res) => res.end("reached")));
    expect((await exchange(port, request)).text.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
  });

  test("sockets with slow headers, with nothing at all and idle after an answer are closed within 10 s", async () => {
    const { port } = await listen(express().use((_req, res) => res.end("reached")));
    const drips = Array.from({ length: 40 }, (_, i) => `X-Drip-${i}: 1\r\n`);
    const [slow, silent, idle] = await Promise.all([
      exchange(port, "GET / HTTP/1.1\r\nHost: a\r\n", ...drips),
      exchange(port),
      exchange(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ]);
    expect(slow.text).toContain("408");
    expect(idle.text).toContain("reached");
    for (const { ms } of [slow, silent, idle]) expect(ms).toBeLessThan(10_000);
  });
});

describe("drain", () => {
  test("a running request is answered, idle sockets are closed and nobody new gets in", async () => {
    const { server, port, url } = await listen(
      express().get("/slow", async (_req, res) => {
        await sleep(800);
        res.send("done");
      }),
    );
    const idle = exchange(port, "GET /other HTTP/1.1\r\nHost: a\r\n\r\n");
    const running = exchange(port, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    await sleep(100);
    expect(await drain(server, { timeoutMs: 5_000 })).toBe(true);
    expect((await running).text).toMatch(/^HTTP\/1.1 200 .*done$/s);
    expect((await idle).ms).toBeLessThan(3_000);
    await expect(fetch(url)).rejects.toThrow();
  });

  test("clients that send one request after the other are told to leave, and none is cut", async () => {
    const { server, url } = await listen(express().use((_req, res) => res.send("ok")));
    const counts = Array.from({ length: 8 }, () => ({ answers: 0 }));
    const clients = counts.map((count) => askUntilToldToLeave(url, count));
    while (counts.some(({ answers }) => answers < 2)) await sleep(5);
    expect(await drain(server, { timeoutMs: 5_000 })).toBe(true);
    await Promise.all(clients);
  });

  test("an answer that is ended but not yet taken is delivered whole", async () => {
    const { server, url } = await listen(express().use((_req, res) => res.end(Buffer.alloc(20_000_000))));
    const response = await new Promise<IncomingMessage>((resolve) => get(url, { agent: false }, resolve));
    response.pause();
    const drained = drain(server, { timeoutMs: 10_000 });
    await sleep(1_000);
    let bytes = 0;
    for await (const chunk of response) bytes += chunk.length;
    expect(bytes).toBe(20_000_000);
    expect(await drained).toBe(true);
  });

  test("what does not end in time is cut, and a second call says the same", async () => {
    const { server, port } = await listen(express().use(() => undefined));
    const hanging = exchange(port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await sleep(50);
    const drains = [drain(server, { timeoutMs: 300 }), drain(server, { timeoutMs: 300 })];
    expect(await Promise.all(drains)).toEqual([false, false]);
    expect((await hanging).text).toBe("");
  });
});

async function askUntilToldToLeave(url: string, count: { answers: number }): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let leave = false; !leave; count.answers++) {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { agent }, resolve).on("error", reject);
    });
    for await (const chunk of response) expect(String(chunk)).toBe("ok");
    leave = response.headers.connection === "close";
  }
}
