import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { importJWK, jwtVerify } from "jose";
import jwt from "jsonwebtoken";
import {
  mintSigningKey,
  signingKey,
  signToken,
  verificationKeys,
  verifyToken,
} from "../src/credentials/token-signer.ts";
import { codeOf } from "./support/refused.ts";

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
