import { randomBytes } from "node:crypto";
import { readSettings } from "../config.ts";
import { productSigningKey } from "../product/http.ts";
import { parseKeyRing } from "../secrets/key-ring.ts";

/** What the vendor needs to check our calls, and which keys the ring holds. Prints no key of the ring. */
export async function keys({ new: fresh = false, json = false }: { new?: boolean; json?: boolean }): Promise<void> {
  if (fresh) {
    const entry = `${new Date().toISOString().slice(0, 10)}-${randomBytes(2).toString("hex")}:${randomBytes(32).toString("base64")}`;
    process.stdout.write(json ? `${JSON.stringify({ entry })}\n` : `${entry}\n`);
    return;
  }
  const settings = readSettings();
  const signing = productSigningKey(settings.product.secret);
  const ring = parseKeyRing(settings.secretKeys);
  const ids = [...ring.byId.keys()];
  if (json) {
    process.stdout.write(`${JSON.stringify({ product_signing_key: signing, ring: ids, seals: ring.primary.id })}\n`);
    return;
  }
  process.stdout.write(
    `Calls to the product are signed with (Standard Webhooks):\n  ${signing}\n\n` +
      `Key ring: ${ids.map((id) => (id === ring.primary.id ? `${id} (seals)` : id)).join(", ")}\n` +
      "A new entry: stallholder keys --new; put it first in SECRET_KEYS and keep the old ones until nothing is sealed with them.\n",
  );
}
