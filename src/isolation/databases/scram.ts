import { createHash, createHmac, pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";

const derive = promisify(pbkdf2);
/** PostgreSQL's own default. Our passwords have 256 random bits: more rounds would protect nothing. */
const ROUNDS = 4096;
const SALT_BYTES = 16;

/**
 * What PostgreSQL keeps of a password (RFC 5803, as `pg_authid.rolpassword` has it), made here: a server that logs the
 * statement logs nothing that opens anything. `password` is plain ASCII, so there is nothing for SASLprep to do.
 */
export async function scramVerifier(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const salted = await derive(password, salt, ROUNDS, 32, "sha256");
  const keyed = (text: string) => createHmac("sha256", salted).update(text).digest();
  const stored = createHash("sha256").update(keyed("Client Key")).digest();
  const parts = [stored, keyed("Server Key")].map((part) => part.toString("base64")).join(":");
  return `SCRAM-SHA-256$${ROUNDS}:${salt.toString("base64")}$${parts}`;
}
