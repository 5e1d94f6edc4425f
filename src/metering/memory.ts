/** What a process remembers from one batch to the next, so that the next one asks for less. */
export interface Memory {
  /** Days that are known to be there; more are made when they are needed. */
  readonly days: Set<string>;
  era: Era;
  /** How many of the next batches look for their keys everywhere: repeats seldom come alone. */
  wary: number;
}

/** A time in which whoever was seen alive is alive, but for those whose end waits to be sealed (docs/metering.md). */
interface Era {
  readonly name: string;
  readonly alive: Set<string>;
}

const WARY_BATCHES = 50;
const MOST_ALIVE = 50_000;

export function emptyMemory(): Memory {
  return { days: new Set(), era: { name: "", alive: new Set() }, wary: 0 };
}

/** There are repeats under way, or refusals, before which a repeat has to be ruled out. */
export function beWary(memory: Memory): void {
  memory.wary = WARY_BATCHES;
}

/** Remembers those of `tenants` that were seen alive in the era of this name; another era's are forgotten. */
export function rememberAlive(memory: Memory, era: string, tenants: Iterable<string>): void {
  if (memory.era.name !== era) memory.era = { name: era, alive: new Set() };
  const { alive } = memory.era;
  for (const tenant of tenants) if (alive.size < MOST_ALIVE) alive.add(tenant);
}
