import { type KeyObject, X509Certificate } from "node:crypto";
import type { Clock } from "../../../clock.ts";
import { ProviderError } from "../../../errors.ts";

/** Gets what is at an address of SNS; rejects unless that is a plain 200. */
export type FetchFromSns = (url: string) => Promise<string>;

const FETCH_MS = 5_000;
const MOST_BYTES = 64 * 1024;
const KEEP_MS = 6 * 3_600_000;
const MOST_KEPT = 16;

/**
 * Fetches from SNS over TLS, without redirects, within five seconds and 64 kB. With `endpoint` (never in production) the
 * same path and query are asked there.
 */
export function snsFetcher(endpoint: string | undefined): FetchFromSns {
  return async (url) => {
    const { pathname, search } = new URL(url);
    const address = endpoint === undefined ? url : `${new URL(endpoint).origin}${pathname}${search}`;
    const answer = await fetch(address, { redirect: "error", signal: AbortSignal.timeout(FETCH_MS) });
    if (answer.status !== 200) throw new Error(`SNS answered ${answer.status}.`);
    return readAtMost(answer, MOST_BYTES);
  };
}

async function readAtMost(answer: Response, most: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += chunk.byteLength;
    if (size > most) throw new Error(`SNS answered more than ${most} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

interface Kept {
  readonly key: KeyObject;
  readonly from: number;
  readonly to: number;
  readonly fetchedAt: number;
}

/**
 * Keys of SNS's certificates by their (checked) address. Kept for some hours, and only few; a certificate out of its dates
 * is refused. `unavailable` when it cannot be had now: SNS then sends its message again.
 */
export function snsCertificates(
  fetchFromSns: FetchFromSns,
  clock: Clock,
): (url: string) => Promise<KeyObject | undefined> {
  const kept = new Map<string, Kept>();
  return async (url) => {
    const now = clock.now().getTime();
    const before = kept.get(url);
    const isFresh = before !== undefined && Math.abs(now - before.fetchedAt) < KEEP_MS;
    const found = isFresh ? before : await fetchKey(fetchFromSns, url, now);
    if (found === undefined) return undefined;
    kept.delete(url);
    kept.set(url, found);
    for (const [oldest] of kept) {
      if (kept.size <= MOST_KEPT) break;
      kept.delete(oldest);
    }
    return now >= found.from && now <= found.to ? found.key : undefined;
  };
}

async function fetchKey(fetchFromSns: FetchFromSns, url: string, now: number): Promise<Kept | undefined> {
  const text = await fetchFromSns(url).catch((cause: unknown) => {
    throw new ProviderError("unavailable", "The certificate of the message cannot be had now.", { cause });
  });
  try {
    const { publicKey, validFrom, validTo } = new X509Certificate(text);
    if (publicKey.asymmetricKeyType !== "rsa") return undefined;
    return { key: publicKey, from: Date.parse(validFrom), to: Date.parse(validTo), fetchedAt: now };
  } catch {
    return undefined;
  }
}
