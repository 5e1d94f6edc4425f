import type { Clock } from "../clock.ts";
import type { Store } from "../isolation/isolation.ts";

/** Notes that credentials are used, without a write where they are. */
export interface LastUse {
  note(tenant: string, credential: string): void;
  /** The same of a database login, which is known by its name. */
  noteLogin(tenant: string, login: string): void;
  /** Writes down what was noted; what cannot be written now is forgotten. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const EVERY_MS = 15_000;
const NOT_AGAIN_WITHIN_MS = 60_000;
/** So many are kept in mind; a use beyond is not noted. */
const ROOM = 50_000;
const BATCH = 1_000;

interface Use {
  readonly tenant: string;
  readonly at: number;
  /** Which credential of the tenant. */
  readonly by: { readonly id: string } | { readonly login: string };
}

/**
 * A use costs a look into a map. Every quarter of a minute what is new goes into the database, a thousand to a statement,
 * a credential at most once a minute. Told to an operator and a customer: nothing depends on it.
 */
export function lastUse(store: Store, clock: Clock): LastUse {
  const written = new Map<string, number>();
  let waiting = new Map<string, Use>();
  let writing = Promise.resolve();
  const timer = setInterval(() => void flush(), EVERY_MS).unref();

  function flush(): Promise<void> {
    const batch = [...waiting.values()].map(({ tenant, at, by }) => ({ ...by, tenant, at: new Date(at) }));
    const names = [...waiting].map(([name, { at }]) => [name, at] as const);
    waiting = new Map();
    const oldest = clock.now().getTime() - NOT_AGAIN_WITHIN_MS;
    for (const [name, at] of written) if (at <= oldest) written.delete(name);
    for (const [name, at] of names) written.set(name, at);
    writing = writing.then(() => write(store, batch)).catch(() => undefined);
    return writing;
  }

  function remember(name: string, tenant: string, by: Use["by"]): void {
    const at = clock.now().getTime();
    if (waiting.has(name) || at - (written.get(name) ?? 0) < NOT_AGAIN_WITHIN_MS) return;
    if (waiting.size + written.size < ROOM) waiting.set(name, { tenant, at, by });
  }

  return {
    note: (tenant, credential) => remember(credential, tenant, { id: credential }),
    noteLogin: (tenant, login) => remember(login, tenant, { login }),
    flush,
    close: () => {
      clearInterval(timer);
      return flush();
    },
  };
}

async function write(store: Store, uses: readonly object[]): Promise<void> {
  for (let from = 0; from < uses.length; from += BATCH) {
    const values = [JSON.stringify(uses.slice(from, from + BATCH))];
    await store.throughDoor({ text: "select note_uses($1)", values });
  }
}
