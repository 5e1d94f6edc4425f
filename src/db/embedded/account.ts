import { readFile, stat } from "node:fs/promises";
import { ProviderError } from "../../errors.ts";

/** An account of this machine, in the form in which a child process is started under it. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

interface Named extends Account {
  readonly name: string;
}

const CANDIDATES = ["postgres", "_postgres", "nobody"];

/**
 * PostgreSQL refuses to run as root, and needs an account that the machine knows by name. Run by root, the server gets
 * the account that already owns the cluster, or else `postgres`, or else `nobody`. Run by anybody else it simply stays
 * with that account: the answer is undefined.
 */
export async function serverAccount(cluster: string): Promise<Account | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const accounts = parsePasswd(await readFile("/etc/passwd", "utf8"));
  const owner = await stat(cluster).catch(() => undefined);
  const chosen =
    accounts.find(({ uid }) => uid === owner?.uid) ??
    CANDIDATES.map((name) => accounts.find((account) => account.name === name)).find((found) => found !== undefined);
  if (chosen !== undefined) return { uid: chosen.uid, gid: chosen.gid };
  throw new ProviderError(
    "config_invalid",
    "PostgreSQL does not run as root, and this machine has neither an account `postgres` nor `nobody`. " +
      "Run Stallholder as an ordinary user, or set DATABASE_URL.",
  );
}

/** Every account but root's and those whose ids a child process cannot be given. */
function parsePasswd(text: string): Named[] {
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .map(([name = "", , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid, gid }) => uid > 0 && Number.isInteger(gid) && gid >= 0);
}
