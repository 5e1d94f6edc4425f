import { createHmac, randomBytes } from "node:crypto";
import fc from "fast-check";
import { apiKeyHash, keyPrefix, mintApiKey, parseApiKey } from "../src/credentials/api-key.ts";
import { ProviderError } from "../src/errors.ts";
import { sameSecret } from "../src/same-secret.ts";
import { derive, deriveEach, parseKeyRing } from "../src/secrets/key-ring.ts";
import { open, type SealContext, seal, sealedWith } from "../src/secrets/seal.ts";
import { codeOf } from "./support/refused.ts";

const base64Key = (): string => randomBytes(32).toString("base64");
const old = `k0:${base64Key()}`;
const ring = parseKeyRing(`k1:${base64Key()},${old}`);

describe("parseKeyRing", () => {
  test("the first key is primary, and every key is found by its id", () => {
    expect(ring.primary.id).toBe("k1");
    expect([...ring.byId.keys()]).toEqual(["k1", "k0"]);
  });

  test("keys of different purposes and of different ring keys have nothing in common", () => {
    const [pepper, sealing, session] = (["pepper", "seal", "session"] as const).map((purpose) =>
      derive(ring.primary, purpose),
    );
    const others = deriveEach(ring, "pepper");
    const all = [pepper, sealing, session, others[1]].map((key) => key?.export().toString("hex"));
    expect(new Set(all).size).toBe(4);
    expect(all.every((hex) => hex?.length === 64)).toBe(true);
    expect(others[0]?.equals(derive(ring.primary, "pepper"))).toBe(true);
  });

  test.each([
    [""],
    ["k1"],
    ["k1:"],
    [`:${base64Key()}`],
    [`k.1:${base64Key()}`],
    [`${"k".repeat(33)}:${base64Key()}`],
    [`k1:${randomBytes(31).toString("base64")}`],
    [`k1:${randomBytes(64).toString("base64")}`],
    [`${old},`],
    [`${old},${old}`],
  ])("%j is no key ring, and the error repeats no part of it", (text) => {
    expect(codeOf(() => parseKeyRing(text))).toBe("config_invalid");
    try {
      parseKeyRing(text);
    } catch (error) {
      const [fault] = error instanceof ProviderError ? error.faults : [];
      expect(fault?.at).toBe("SECRET_KEYS");
      expect(`${String(error)} ${fault?.message}`).not.toContain(text.split(":")[1]?.slice(0, 20) || "no key");
    }
  });
});

describe("seal and open", () => {
  const context: SealContext = { tenant: "kabcdefghijklmnopqrstuvwx2", field: "value", id: "7" };
  const word = fc.string({ unit: fc.constantFrom("a", "b", '"', ",", "|", ":", "\\", "é"), maxLength: 4 });
  const contexts: fc.Arbitrary<SealContext> = fc.record({ tenant: word, field: word, id: word });
  const plaintexts = fc.string({ unit: "grapheme", maxLength: 300 });

  test("what is sealed for a place opens there, and shows neither text nor place", () => {
    fc.assert(
      fc.property(contexts, plaintexts, (place, text) => {
        const sealed = seal(ring, place, text);
        expect(open(ring, { ...place }, sealed)).toBe(text);
        expect(sealed).toMatch(/^v1\.k1\.[\w-]{16}\.[\w-]*\.[\w-]{22}$/);
      }),
    );
  });

  test("it opens in no other place", () => {
    fc.assert(
      fc.property(contexts, contexts, plaintexts, (place, other, text) => {
        fc.pre(JSON.stringify(place) !== JSON.stringify(other));
        expect(codeOf(() => open(ring, other, seal(ring, place, text)))).toBe("internal");
      }),
    );
  });

  test.each<[keyof SealContext]>([["tenant"], ["field"], ["id"]])(
    "it does not open when the %s alone is another",
    (part) => {
      expect(codeOf(() => open(ring, { ...context, [part]: `${context[part]}x` }, seal(ring, context, "secret")))).toBe(
        "internal",
      );
    },
  );

  test("parts of a place that run together to the same text are different places", () => {
    const sealed = seal(ring, { tenant: "ab", field: "c", id: "d" }, "secret");
    expect(codeOf(() => open(ring, { tenant: "a", field: "bc", id: "d" }, sealed))).toBe("internal");
    expect(codeOf(() => open(ring, { tenant: 'ab","c', field: "d", id: "" }, sealed))).toBe("internal");
  });

  test("the same text is sealed differently each time", () => {
    const sealed = Array.from({ length: 100 }, () => seal(ring, context, "same"));
    expect(new Set(sealed.map((text) => text.split(".")[2])).size).toBe(100);
  });

  test.each(Array.from({ length: 16 }, (_, length) => [length]))("a tag cut to %i bytes does not open", (length) => {
    const parts = seal(ring, context, "secret").split(".");
    const tag = Buffer.from(parts[4] ?? "", "base64url")
      .subarray(0, length)
      .toString("base64url");
    expect(codeOf(() => open(ring, context, [...parts.slice(0, 4), tag].join(".")))).toBe("internal");
  });

  test("no other text opens: any one character changed, removed or added", () => {
    const sealed = seal(ring, context, "a secret of some length");
    const start = "v1.k1.".length;
    const position = fc.integer({ min: start, max: sealed.length - 1 });
    const character = fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ");
    const edited = fc.oneof(
      fc.tuple(position, character).map(([at, by]) => sealed.slice(0, at) + by + sealed.slice(at + 1)),
      fc.tuple(position, character).map(([at, by]) => sealed.slice(0, at) + by + sealed.slice(at)),
      position.map((at) => sealed.slice(0, at) + sealed.slice(at + 1)),
      character.map((by) => sealed + by),
    );
    fc.assert(
      fc.property(edited, (text) => {
        fc.pre(text !== sealed);
        expect(codeOf(() => open(ring, context, text))).toBe("internal");
      }),
      { numRuns: 1000 },
    );
  });

  test("a ciphertext does not open under the id of another key of the ring", () => {
    const sealed = seal(ring, context, "secret");
    expect(codeOf(() => open(ring, context, sealed.replace("v1.k1.", "v1.k0.")))).toBe("internal");
  });

  test("an old key still opens after a new one has become primary", () => {
    const sealed = seal(parseKeyRing(old), context, "secret");
    expect(open(ring, context, sealed)).toBe("secret");
    expect([sealed, seal(ring, context, "secret")].map(sealedWith)).toEqual(["k0", "k1"]);
  });

  test("a key that left the ring too early is named, and the way out with it", () => {
    const sealed = seal(ring, context, "secret");
    const reopened = (): string => open(parseKeyRing(old), context, sealed);
    expect(codeOf(reopened)).toBe("config_invalid");
    expect(reopened).toThrow(
      expect.objectContaining({
        faults: [expect.objectContaining({ at: "SECRET_KEYS", message: expect.stringContaining("`k1`") })],
      }),
    );
  });

  test("a key of the same id but with other bytes does not open", () => {
    const sealed = seal(ring, context, "secret");
    expect(codeOf(() => open(parseKeyRing(`k1:${base64Key()}`), context, sealed))).toBe("internal");
  });

  test.each([[""], ["v1"], ["v2.k1.AAAAAAAAAAAAAAAA..AAAAAAAAAAAAAAAAAAAAAA"], ["plain text"]])(
    "%j was never sealed",
    (text) => {
      expect(codeOf(() => open(ring, context, text))).toBe("internal");
      expect(codeOf(() => sealedWith(text))).toBe("internal");
    },
  );
});

describe("API keys", () => {
  test("a key shows its service, its id and its checksum, and parses to its id", () => {
    const { value, keyId } = mintApiKey(keyPrefix("acme-search"));
    expect(value).toMatch(/^acmesearch_live_[a-z2-7]{16}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
    expect(value.split("_")[2]).toBe(keyId);
    expect(parseApiKey(value)).toEqual({ keyId });
  });

  test("no two keys share an id or a secret", () => {
    const keys = Array.from({ length: 2000 }, () => mintApiKey("acme").value.split("_"));
    expect(new Set(keys.map((parts) => parts[2])).size).toBe(2000);
    expect(new Set(keys.map((parts) => parts[3])).size).toBe(2000);
  });

  test("any one character changed is no key", () => {
    const { value } = mintApiKey("acme");
    const character = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_- ");
    fc.assert(
      fc.property(fc.nat(value.length - 1), character, (at, by) => {
        fc.pre(value[at] !== by);
        expect(parseApiKey(value.slice(0, at) + by + value.slice(at + 1))).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });

  test("any text whatever is no key and no error", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => expect(parseApiKey(text)).toBeUndefined()));
    expect(parseApiKey(`${mintApiKey("acme").value}\n`)).toBeUndefined();
    expect(parseApiKey("a".repeat(100_000))).toBeUndefined();
  });

  test("the hash is HMAC-SHA256 of the whole key under the pepper", () => {
    const pepper = derive(ring.primary, "pepper");
    const { value } = mintApiKey("acme");
    expect(apiKeyHash(pepper, value)).toEqual(createHmac("sha256", pepper.export()).update(value).digest());
    expect(apiKeyHash(derive(ring.primary, "session"), value)).not.toEqual(apiKeyHash(pepper, value));
  });

  test.each([
    ["acme-search", "acmesearch"],
    ["fast-db-2", "fastdb2"],
    ["x".repeat(40), "x".repeat(32)],
  ])("the prefix of %s is %s", (id, expected) => {
    expect(keyPrefix(id)).toBe(expected);
  });
});

describe("sameSecret", () => {
  test("equal texts and bytes are the same, whatever their length", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => expect(sameSecret(text, Buffer.from(text))).toBe(true)),
    );
  });

  test("different ones are not, and different lengths are no error", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (left, right) => expect(sameSecret(left, right)).toBe(left === right)),
    );
    expect(
      Array.from({ length: 100 }, (_, length) => sameSecret("x".repeat(length), "x".repeat(64))).filter(Boolean),
    ).toHaveLength(1);
  });
});
