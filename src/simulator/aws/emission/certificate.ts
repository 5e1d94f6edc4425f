import { createHash, createSign, type KeyObject } from "node:crypto";
import { DAY_MS } from "../../durations.ts";

/** A self-signed X.509 certificate, written in DER by hand: Node can read certificates but not make them. */
export function selfSigned(keys: { publicKey: KeyObject; privateKey: KeyObject }, host: string): string {
  const body = sequence(
    context(0, integer(2)),
    integer(1),
    SHA256_WITH_RSA,
    nameOf(host),
    sequence(time(-DAY_MS), time(3_650 * DAY_MS)),
    nameOf(host),
    keys.publicKey.export({ type: "spki", format: "der" }),
    context(3, sequence(sequence(SUBJECT_ALT_NAME, octets(sequence(tagged(0x82, Buffer.from(host))))))),
  );
  const signature = createSign("RSA-SHA256").update(body).sign(keys.privateKey);
  const certificate = sequence(body, SHA256_WITH_RSA, tagged(0x03, Buffer.concat([Buffer.of(0), signature])));
  const lines = certificate.toString("base64").replace(/(.{64})/g, "$1\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

export function fingerprintOf(certificate: string): string {
  return createHash("md5").update(certificate).digest("hex");
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

const sequence = (...parts: Buffer[]): Buffer => tagged(0x30, Buffer.concat(parts));
const octets = (content: Buffer): Buffer => tagged(0x04, content);
const context = (number: number, content: Buffer): Buffer => tagged(0xa0 + number, content);
const integer = (value: number): Buffer => tagged(0x02, Buffer.of(value));
const objectId = (...bytes: number[]): Buffer => tagged(0x06, Buffer.of(...bytes));
const NOTHING = tagged(0x05, Buffer.alloc(0));
const SHA256_WITH_RSA = sequence(objectId(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b), NOTHING);
const COMMON_NAME = objectId(0x55, 0x04, 0x03);
const SUBJECT_ALT_NAME = objectId(0x55, 0x1d, 0x11);

function nameOf(host: string): Buffer {
  return sequence(tagged(0x31, sequence(COMMON_NAME, tagged(0x0c, Buffer.from(host)))));
}

/** A GeneralizedTime so far from now. */
function time(distance: number): Buffer {
  const text = new Date(Date.now() + distance).toISOString().replace(/[-:T]|\.\d+/g, "");
  return tagged(0x18, Buffer.from(text));
}
