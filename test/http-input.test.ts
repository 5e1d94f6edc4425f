import { IncomingMessage } from "node:http";
import { connect, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import express from "express";
import fc from "fast-check";
import { asProviderError, type ProviderError } from "../src/errors.ts";
import { basicCredentials, bearerToken } from "../src/http/basic-auth.ts";
import { formBody, formOf, jsonBody, jsonOf, rawBody, readBody } from "../src/http/body.ts";
import { parseForm } from "../src/http/form.ts";
import { parseJson } from "../src/http/json.ts";
import { problemAnswer } from "../src/http/problem.ts";
import { closeServers, exchange, listen } from "./support/listen.ts";

afterEach(closeServers);

const LIMIT = 100_000;

/** Echoes what it read, and keeps each error it answered. */
function echo() {
  const errors: ProviderError[] = [];
  const app = express();
  app.post("/json", jsonBody(LIMIT), (req, res) => res.json({ value: jsonOf(req), bytes: rawBody(req).length }));
  app.post("/form", formBody(LIMIT), (req, res) => res.json(Object.fromEntries(formOf(req))));
  app.use(((thrown, _req, _res, next) => {
    errors.push(asProviderError(thrown));
    next(thrown);
  }) as express.ErrorRequestHandler);
  return { errors, app: app.use(problemAnswer) };
}

async function post(url: string, type: string, body: RequestInit["body"], more: Record<string, string> = {}) {
  return fetch(url, {
    method: "POST",
    headers: { ...more, ...(type && { "content-type": type }) },
    body: body ?? null,
  });
}

function refusal(act: () => unknown): ProviderError {
  try {
    act();
  } catch (error) {
    return asProviderError(error);
  }
  throw new Error("it was accepted");
}

describe("a request body", () => {
  test.each([
    ["application/json"],
    ["application/json; charset=utf-8"],
    ['Application/JSON; x=1; Charset="UTF-8"'],
    ["application/vnd.market-addons+json; version=3"],
  ])("of the type %s is read, with its raw bytes", async (type) => {
    const { url } = await listen(echo().app);
    const answer = await post(`${url}/json`, type, '{"a":"ü"}');
    expect(await answer.json()).toEqual({ value: { a: "ü" }, bytes: 10 });
  });

  test("comes in pieces just as well, and may be exactly as long as the limit", async () => {
    const { url } = await listen(echo().app);
    const text = JSON.stringify("x".repeat(LIMIT - 2));
    const pieces = new Blob([text]).stream();
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: pieces, duplex: "half" };
    expect(await (await fetch(`${url}/json`, init)).json()).toMatchObject({ bytes: LIMIT });
  });

  const big = `"${"x".repeat(10_000_000)}"`;
  test.each<[string, string, BodyInit, Record<string, string>, number, string]>([
    ["one byte over the limit", "application/json", big.slice(0, LIMIT + 1), {}, 413, "body_too_large"],
    ["of 10 MB", "application/json", big, {}, 413, "body_too_large"],
    ["that is compressed", "application/json", gzipSync(big), { "content-encoding": "gzip" }, 400, "request_malformed"],
    ["of plain text", "text/plain", "{}", {}, 400, "request_malformed"],
    ["of no type", "", new Blob(["{}"]), {}, 400, "request_malformed"],
    ["in another charset", "application/json; charset=latin1", "{}", {}, 400, "request_malformed"],
    ["that is empty", "application/json", "", {}, 400, "request_malformed"],
    ["that is broken", "application/json", "{", {}, 400, "request_malformed"],
  ])("%s is refused", async (_name, type, body, headers, status, code) => {
    const { url } = await listen(echo().app);
    const answer = await post(`${url}/json`, type, body, headers);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ code });
  });

  test("of unknown length is refused once it is over the limit, and the connection serves on", async () => {
    const { port } = await listen(echo().app);
    const head = "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    const chunk = `186a1\r\n${"x".repeat(0x186a1)}\r\n`;
    const second = `${head}Content-Length: 1\r\nConnection: close\r\n\r\n7`;
    const request = `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(3)}0\r\n\r\n${second}`;
    const { text } = await exchange(port, request);
    expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 413", "HTTP/1.1 200"]);
  });

  test("of an announced length over the limit is refused before any of it has come", async () => {
    const { port } = await listen(echo().app);
    const head = "POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n";
    const { text, ms } = await exchange(port, `${head}Content-Length: 1000000000\r\n\r\n`);
    expect(text).toContain("HTTP/1.1 413");
    expect(ms).toBeLessThan(2_000);
  });

  test("can be read once; reading it again is refused instead of waiting for ever", async () => {
    const app = express().post("/", async (req, res) => {
      const first = await readBody(req, 10);
      res.json([first.toString(), await readBody(req, 10).catch((error) => asProviderError(error).code)]);
    });
    const { url } = await listen(app);
    expect(await (await post(url, "text/plain", "once")).json()).toEqual(["once", "request_malformed"]);
  });

  test("that its sender gives up is no fault of ours", async () => {
    const { app, errors } = echo();
    const { port } = await listen(app);
    const socket = connect(port, "127.0.0.1");
    socket.write('POST /json HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a"');
    await sleep(100);
    socket.destroy();
    await sleep(100);
    expect(errors.map(({ code }) => code)).toEqual(["request_malformed"]);
  });
});

describe("parseJson", () => {
  const nested = (depth: number) => Buffer.from("[".repeat(depth) + "]".repeat(depth));

  test.each<[string, string | Buffer]>([
    ["33 levels", nested(33)],
    ["20,000 levels", nested(20_000)],
    ["megabytes of opening brackets", Buffer.alloc(4_000_000, "[")],
    ["levels behind a string that seems open", `["\\\\",${nested(33)}]`],
    ["bytes that are not UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["an overlong NUL", Buffer.from([0x22, 0xc0, 0x80, 0x22])],
    ["a surrogate in UTF-8", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ["a byte order mark", "\ufeff{}"],
    ["a bare control character", '"\u0001"'],
    ["two values", "1 2"],
    ["NaN", "NaN"],
    ["a comment", "{}//"],
    ["nothing", ""],
  ])("%s: refused", (_name, body) => {
    expect(refusal(() => parseJson(Buffer.from(body))).code).toBe("request_malformed");
  });

  test.each([
    ["NUL in a value", '{"a":["x",{"b":"\\u0000"}]}', "/a/1/b"],
    ["NUL in a name", '{"a\\u0000":1}', "/a\0"],
    ["a high surrogate alone", '{"a":"\\ud800"}', "/a"],
    ["a low surrogate alone", '{"a":"\\udc00x"}', "/a"],
    ["surrogates in the wrong order", '{"a/b":"\\udc00\\ud800"}', "/a~1b"],
    ["__proto__", '{"a":{"__proto__":{"polluted":1}}}', "/a/__proto__"],
    ["__proto__ in escapes", '{"\\u005f_proto__":{"polluted":1}}', "/__proto__"],
    ["constructor.prototype", '{"constructor":{"prototype":{"polluted":1}}}', "/constructor"],
  ])("%s: refused with its place", (_name, body, at) => {
    expect(refusal(() => parseJson(Buffer.from(body))).faults.map((fault) => fault.at)).toEqual([at]);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  test("32 levels, any scalar, brackets in strings, whole surrogate pairs and the last of two members are taken", () => {
    expect(parseJson(nested(32))).toBeInstanceOf(Array);
    for (const scalar of ["null", "7", '"x"', "false"]) expect(parseJson(Buffer.from(scalar))).toBe(JSON.parse(scalar));
    expect(parseJson(Buffer.from(`"\\"${"[".repeat(50)}"`))).toHaveLength(51);
    expect(parseJson(Buffer.from('"\\ud83d\\ude00"'))).toBe("😀");
    expect(parseJson(Buffer.from('{"a":1,"a":2,"constructor":"x"}'))).toEqual({ a: 2, constructor: "x" });
  });

  test("whatever JSON.stringify writes comes back unless it is refused by name", () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: "grapheme", maxDepth: 6 }), (text) => {
        fc.pre(!text.includes("__proto__") && !text.includes("\\u0000"));
        expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe("parseForm", () => {
  test("keeps every value of a repeated name in order, and reads plus signs, escapes and empty values", () => {
    const form = parseForm(Buffer.from("a=1&b=x+y%2B%C3%BC&a=&&c&a=%26"));
    expect([...form]).toEqual([
      ["a", ["1", "", "&"]],
      ["b", ["x y+ü"]],
      ["c", [""]],
    ]);
  });

  test.each<[string, string | Buffer]>([
    ["a broken escape", "a=%2"],
    ["an escape of no hexadecimal digits", "a=%zz"],
    ["escaped bytes that are not UTF-8", "a=%ff"],
    ["an escaped surrogate", "a=%ed%a0%80"],
    ["NUL", "a=%00"],
    ["NUL in a name", "a%00=1"],
    ["bytes that are not UTF-8", Buffer.from([0x61, 0x3d, 0xff])],
    ["101 fields", "a=1&".repeat(101)],
    ["a field after a hundred", `${"&".repeat(500)}${"a&".repeat(100)}b`],
  ])("%s: refused", (_name, body) => {
    expect(refusal(() => parseForm(Buffer.from(body))).code).toBe("request_malformed");
  });

  test("a route that reads forms takes no other type", async () => {
    const { url } = await listen(echo().app);
    const type = "application/x-www-form-urlencoded";
    expect(await (await post(`${url}/form`, type, "a=1&a=2")).json()).toEqual({ a: ["1", "2"] });
    expect((await post(`${url}/form`, "application/json", "a=1")).status).toBe(400);
  });
});

describe("the Authorization header", () => {
  const base64 = (text: string) => Buffer.from(text).toString("base64");

  function asking(...values: string[]): IncomingMessage {
    const req = new IncomingMessage(new Socket());
    req.headers = { authorization: values[0] };
    req.rawHeaders = values.flatMap((value) => ["AUTHORIZATION", value]);
    return req;
  }

  test.each<[string, string, string, string]>([
    ["a colon in the password", `Basic ${base64("addon:a:b")}`, "addon", "a:b"],
    ["text beyond ASCII", `Basic ${base64("ädd:pässwörd€")}`, "ädd", "pässwörd€"],
    ["an odd case of the scheme", `bAsIc ${base64("u:p")}`, "u", "p"],
    ["two spaces", `Basic  ${base64("u:p")}`, "u", "p"],
    ["no user", `Basic ${base64(":p")}`, "", "p"],
    ["no password", `Basic ${base64("u:")}`, "u", ""],
  ])("with %s is understood", (_name, header, user, password) => {
    expect(basicCredentials(asking(header))).toEqual({ user, password });
  });

  test.each([
    ["no colon", `Basic ${base64("user")}`],
    ["junk that Node would skip", "Basic YWRk b246!!c2VjcmV0==x"],
    ["a character outside the alphabet", "Basic YWRk!b246c2VjcmV0"],
    ["missing padding", `Basic ${base64("u:p12").replace(/=+$/, "")}`],
    ["bits beyond the last byte", "Basic dTpwMTJ="],
    ["the alphabet for URLs", `Basic ${base64("u:>>>???").replace("+", "-").replace("/", "_")}`],
    ["bytes that are not UTF-8", `Basic ${Buffer.from([0x75, 0x3a, 0xff]).toString("base64")}`],
    ["a tab after the scheme", `Basic\t${base64("u:p")}`],
    ["another scheme", `Bearer ${base64("u:p")}`],
    ["nothing after the scheme", "Basic "],
    ["nothing at all", ""],
  ])("with %s is no Basic credential", (_name, header) => {
    expect(basicCredentials(asking(header))).toBeUndefined();
  });

  test("any user without a colon and any password up to 4,096 characters come through unchanged", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 4_096 });
    fc.assert(
      fc.property(text, text, (user, password) => {
        fc.pre(!user.includes(":"));
        expect(basicCredentials(asking(`Basic ${base64(`${user}:${password}`)}`))).toEqual({ user, password });
      }),
    );
  });

  test("that comes twice is refused, though Node shows only the first", async () => {
    const twice = asking(`Basic ${base64("u:p")}`, "Basic other");
    expect(refusal(() => basicCredentials(twice)).code).toBe("request_malformed");
    const app = express().use((req, res) => res.json(bearerToken(req) ?? null));
    const { port } = await listen(app.use(problemAnswer));
    const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer a\r\n";
    expect((await exchange(port, `${get}\r\n`)).text).toContain("HTTP/1.1 200");
    expect((await exchange(port, `${get}authorization: Bearer a\r\n\r\n`)).text).toContain("HTTP/1.1 400");
  });

  test("as Bearer gives any text after the scheme, in UTF-8 or Latin-1", () => {
    expect(bearerToken(asking("bearer a.b-c=="))).toBe("a.b-c==");
    expect(bearerToken(asking("Bearer two words!"))).toBe("two words!");
    expect(bearerToken(asking(`Bearer ${Buffer.from("schlüssel").toString("latin1")}`))).toBe("schlüssel");
    expect(bearerToken(asking("Bearer schlüssel"))).toBe("schlüssel");
    for (const header of ["Bearer ", "Bearer", "Basic abc", ""]) expect(bearerToken(asking(header))).toBeUndefined();
  });
});
