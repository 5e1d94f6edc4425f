import type { OperatorStore } from "../../../isolation/isolation.ts";

/** What the first page knows; counts stop at 1,000. Moments are ISO text, as PostgreSQL writes them into JSON. */
export interface HomeView {
  /** Since when the oldest due work waits that nobody has tried. */
  readonly untried: string | null;
  /** When the oldest hour should have been sealed. */
  readonly unsealed: string | null;
  readonly worker: string | null;
  readonly endpoints: readonly TroubledEndpoint[];
  readonly marketplaces: readonly MarketplaceView[];
}

interface TroubledEndpoint {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly failing_since: string | null;
}

export interface MarketplaceView {
  readonly name: string;
  readonly heard: string | null;
  readonly accepted: string | null;
  readonly waiting: { deadline: string; hour: string; at_risk: number; units: number | null } | null;
  readonly lost: { readonly records: number; readonly units: number } | null;
  readonly failing: { readonly calls: number; readonly since: string } | null;
  readonly given_up: number | null;
  /** Null where a marketplace has no such thing. */
  readonly unclaimed: number | null;
  readonly lost_grants: number | null;
}

export async function readHome(store: OperatorStore, marketplaces: readonly string[], now: Date): Promise<HomeView> {
  const [row] = await store.throughDoor<{ home: HomeView }>({
    text: "select console_home($1, $2) as home",
    values: [marketplaces, now],
  });
  if (row === undefined) throw new Error("console_home gave no row.");
  return row.home;
}
