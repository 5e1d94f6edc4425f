import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import fc from "fast-check";
import { importJWK, jwtVerify } from "jose";
import jwt from "jsonwebtoken";
import { apiKeyHash, keyPrefix, mintApiKey, parseApiKey } from "../src/credentials/api-key.ts";
import {
  mintSigningKey,
  signingKey,
  signToken,
  verificationKeys,
  verifyToken,
} from "../src/credentials/token-signer.ts";
import { ProviderError } from "../src/errors.ts";
import { sameSecret } from "../src/same-secret.ts";
import { derive, deriveEach, parseKeyRing } from "../src/secrets/key-ring.ts";
import { open, type SealContext, seal, sealedWith } from "../src/secrets/seal.ts";

const base64Key = (): string => randomBytes(32).toString("base64");
const old = `k0:${base64Key()}`;
const ring = parseKeyRing(`k1:${base64Key()},${old}`);

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof ProviderError ? error.code : String(error);
  }
  return "nothing was thrown";
}

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

describe("tokens", () => {
  const now = new Date("2026-05-10T10:00:00Z");
  const at = Math.floor(now.getTime() / 1000);
  const after = (seconds: number): Date => new Date(now.getTime() + seconds * 1000);
  const expected = { issuer: "https://addons.example.com", audience: "acme-search" };
  const claims = {
    iss: expected.issuer,
    aud: expected.audience,
    sub: "kabcdefghijklmnopqrstuvwx2",
    jti: "j1",
    plan: "basic",
  };
  const complete = { ...claims, iat: at, exp: at + 900 };
  const minted = mintSigningKey();
  const other = mintSigningKey();
  const key = signingKey(minted.kid, minted.privatePem);
  const keys = verificationKeys([minted.publicJwk, other.publicJwk]);
  const token = signToken(key, claims, now, 900);
  const verify = (text: string, time = now): unknown => verifyToken(keys, text, time, expected);

  const segment = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

  /** A token signed by hand, by default with our own key: any header, any payload; undefined members are left out. */
  function crafted(header: object, payload: object, signer: KeyObject = key.privateKey): string {
    const signed = `${segment({ alg: "ES256", typ: "JWT", kid: minted.kid, ...header })}.${segment(payload)}`;
    const bytes = sign("sha256", Buffer.from(signed), { key: signer, dsaEncoding: "ieee-p1363" });
    return `${signed}.${bytes.toString("base64url")}`;
  }

  test("a signed token gives back its claims with its time", () => {
    expect(verify(token)).toEqual({ ...claims, iat: at, exp: at + 900 });
  });

  test("a foreign library verifies it with the published key", async () => {
    const publicKey = await importJWK({ ...minted.publicJwk });
    const { payload, protectedHeader } = await jwtVerify(token, publicKey, { ...expected, currentDate: now });
    expect(payload).toMatchObject(claims);
    expect(protectedHeader).toEqual({ alg: "ES256", typ: "JWT", kid: minted.kid });
  });

  test("the published key holds nothing private, and key ids keep to their grammar", () => {
    expect(Object.keys(minted.publicJwk).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
    expect(minted.kid).toMatch(/^[a-z0-9-]{1,32}$/);
    expect(minted.kid).not.toBe(other.kid);
  });

  test.each([
    [0, "valid"],
    [899, "valid"],
    [900, "refused"],
    [-60, "valid"],
    [-61, "refused"],
  ])("%i seconds after it was signed it is %s by our clock", (seconds, outcome) => {
    const accepted = codeOf(() => verify(token, after(seconds))) === "nothing was thrown";
    expect(accepted ? "valid" : "refused").toBe(outcome);
  });

  test("a token of more than 15 minutes is neither signed nor accepted", () => {
    expect(codeOf(() => signToken(key, claims, now, 901))).toBe("internal");
    expect(codeOf(() => verify(crafted({}, { ...complete, exp: at + 901 })))).toBe("not_authenticated");
  });

  test("what the crafting of the next tests makes is accepted when nothing is wrong with it", () => {
    expect(verify(crafted({}, complete))).toEqual(complete);
  });

  const { privateKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const publicPem = createPublicKey(key.privateKey).export({ type: "spki", format: "pem" }).toString();
  const [head = "", body = "", signature = ""] = token.split(".");
  const without = (name: keyof typeof complete): object => ({ ...complete, [name]: undefined });

  function hmacToken(header: object, secret: string): string {
    const signed = `${segment({ alg: "HS256", typ: "JWT", kid: minted.kid, ...header })}.${segment(complete)}`;
    return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  }

  test.each<[string, () => string]>([
    ["no algorithm and no signature", () => `${segment({ alg: "none", typ: "JWT", kid: minted.kid })}.${body}.`],
    [
      "the algorithm `none` in other letters",
      () => `${segment({ alg: "nOnE", typ: "JWT", kid: minted.kid })}.${body}.${signature}`,
    ],
    ["HS256 over our public key", () => hmacToken({}, publicPem)],
    ["HS256 over our published key", () => hmacToken({}, JSON.stringify(minted.publicJwk))],
    ["HS256 that calls itself ES256", () => hmacToken({ alg: "ES256" }, publicPem)],
    ["RS256", () => jwt.sign(complete, rsa, { algorithm: "RS256", keyid: minted.kid })],
    ["a critical header", () => crafted({ crit: ["exp"] }, complete)],
    ["a critical header nobody knows", () => crafted({ crit: ["stall"], stall: true }, complete)],
    ["a key of its own", () => crafted({ jwk: other.publicJwk }, complete)],
    ["the address of a key", () => crafted({ jku: "https://example.com/jwks.json" }, complete)],
    ["a certificate address", () => crafted({ x5u: "https://example.com/cert.pem" }, complete)],
    ["another type", () => crafted({ typ: "at+jwt" }, complete)],
    ["no type", () => crafted({ typ: undefined }, complete)],
    ["no key id", () => crafted({ kid: undefined }, complete)],
    ["an unknown key id", () => crafted({ kid: "ffff" }, complete)],
    ["a key id that is a path", () => crafted({ kid: "../../dev/null" }, complete)],
    ["the key id of another key", () => crafted({ kid: other.kid }, complete)],
    ["the signature of another key", () => crafted({}, complete, signingKey(other.kid, other.privatePem).privateKey)],
    ["another issuer", () => crafted({}, { ...complete, iss: "https://elsewhere.example.com" })],
    ["another audience", () => crafted({}, { ...complete, aud: "other-service" })],
    ["several audiences", () => crafted({}, { ...complete, aud: [expected.audience, "other-service"] })],
    ["a time before which it is not valid", () => crafted({}, { ...complete, nbf: at + 10 })],
    ["an end in the past", () => crafted({}, { ...complete, iat: at - 900, exp: at })],
    ["no end", () => crafted({}, without("exp"))],
    ["no beginning", () => crafted({}, without("iat"))],
    ["no issuer", () => crafted({}, without("iss"))],
    ["no audience", () => crafted({}, without("aud"))],
    ["no subject", () => crafted({}, without("sub"))],
    ["no id", () => crafted({}, without("jti"))],
    ["5,000 characters", () => crafted({}, { ...complete, tags: "x".repeat(5000) })],
    ["another last character", () => `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`],
    ["unused bits in its last character", () => `${token.slice(0, -1)}${nextInAlphabet(token.slice(-1))}`],
    ["another payload", () => `${head}.${segment({ ...complete, plan: "premium" })}.${signature}`],
    ["no signature", () => `${head}.${body}.`],
    ["a fourth part", () => `${token}.${signature}`],
    ["padding", () => `${token}=`],
    ["a space before it", () => ` ${token}`],
    ["a header that is no object", () => `${segment("ES256")}.${body}.${signature}`],
    ["a header that is no JSON", () => `e30x.${body}.${signature}`],
    ["nothing at all", () => ""],
  ])("a token with %s is not authenticated", (_name, make) => {
    expect(codeOf(() => verify(make()))).toBe("not_authenticated");
  });

  /** The next character of base64url: it differs in the lowest bit, which a 64-byte signature does not use. */
  function nextInAlphabet(character: string): string {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return alphabet.charAt(alphabet.indexOf(character) + 1);
  }

  test("whatever is wrong, the message is the same and the token is not in it", () => {
    const messages = ["", token.slice(0, -2), hmacToken({}, publicPem), crafted({}, without("sub"))].map((text) => {
      try {
        return verify(text);
      } catch (error) {
        return error instanceof Error ? `${error.message} ${String(error.cause).includes(body)}` : error;
      }
    });
    expect(new Set(messages)).toEqual(new Set(["The token is not valid. false"]));
  });

  test("a retired key's tokens are refused as soon as its key is gone", () => {
    expect(codeOf(() => verifyToken(verificationKeys([other.publicJwk]), token, now, expected))).toBe(
      "not_authenticated",
    );
  });

  test("the library alone lets a critical header pass: the reason for our own check", () => {
    const publicKey = createPublicKey(key.privateKey);
    const text = crafted({ crit: ["stall"], stall: true }, complete);
    expect(jwt.verify(text, publicKey, { algorithms: ["ES256"], clockTimestamp: at })).toEqual(complete);
  });
});
