import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { type Account, serverAccount } from "./account.ts";

/** Where the parts of an embedded database lie. */
export interface Places {
  readonly dataDir: string;
  /** Everything of the embedded database but the lock; it appears complete or not at all. */
  readonly home: string;
  /** PostgreSQL's own data directory, the only part that belongs to the server's account. */
  readonly cluster: string;
  readonly passwords: string;
  /** What the server wrote since its last start. */
  readonly log: string;
  readonly lock: string;
}

/** What the steps of a start share. */
export interface Site {
  readonly places: Places;
  /** The account the server runs under, when it is not our own. */
  readonly account: Account | undefined;
  readonly durable: boolean;
  readonly say: (line: string) => void;
}

/**
 * The environment of every program we start: none of our own settings, no `PG…` variable, plain English messages. On
 * macOS the server refuses to start without a locale.
 */
export const ENVIRONMENT = { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", LC_ALL: "C", TZ: "UTC" };

export async function findPlaces(dataDir: string): Promise<Places> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const root = await realpath(dataDir);
  const home = join(root, "postgres");
  return {
    dataDir: root,
    home,
    cluster: join(home, "cluster"),
    passwords: join(home, "passwords.json"),
    log: join(home, "server.log"),
    lock: join(root, "postgres.lock"),
  };
}

export async function openSite(
  places: Places,
  options: { durable?: boolean; onLine?: (line: string) => void },
): Promise<Site> {
  return {
    places,
    account: await serverAccount(places.cluster),
    durable: options.durable ?? true,
    say: options.onLine ?? (() => undefined),
  };
}

/**
 * The cluster as the server is told it. Run by root, the data directory may lie below folders that the server's account
 * cannot enter (root's home, a DATA_DIR with mode 0700). A child process enters its working directory before it drops
 * root's rights, and Linux lets it go on through `/proc/self/cwd` without asking for the folders above. So the cluster
 * stays where DATA_DIR says, and no folder of the operator's changes its mode. Programs given this path must be started
 * in the cluster.
 */
export function clusterArgument(site: Site, cluster: string): string {
  return site.account !== undefined && process.platform === "linux" ? "/proc/self/cwd" : cluster;
}
