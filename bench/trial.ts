import type { Generator } from "./children.ts";
import type { Length } from "./comparison.ts";
import type { MeasuredDatabase } from "./postgres.ts";
import type { Result } from "./result.ts";

/** Something that is measured, ready to run. */
export interface Trial {
  readonly title: string;
  run(length: Length, generator: Generator): Promise<Result>;
}

/** How much is there before anything is measured. */
export interface Sizes {
  /** Tenants. */
  readonly small: number;
  readonly large: number;
  /** Usage events, spread over thirty days. */
  readonly fewEvents: number;
  readonly manyEvents: number;
  /** Usage events of the hour that is rolled up. */
  readonly hourEvents: number;
  /** Tenants of the hour that is sealed; each has three records. */
  readonly sealedTenants: number;
  /** Usage events whose room on the disk is measured. */
  readonly diskEvents: number;
  /** Tenants with rows in one pooled table. */
  readonly pooledTenants: number;
  /** Tenants on a server of their own, few, some and many, in each model; many silos are fewer. */
  readonly fewPlaces: number;
  readonly somePlaces: number;
  readonly manyPlaces: number;
  readonly manySilos: number;
}

export interface Filled {
  readonly database: MeasuredDatabase;
  /** API keys of its tenants. */
  readonly keys: readonly string[];
}

/** Makes databases; they are dropped when the run ends. */
export interface Databases {
  /** A migrated one with no rows. */
  empty(): Promise<MeasuredDatabase>;
  filled(tenants: number): Promise<Filled>;
  /** The small one: shared, so it is only read. */
  small(): Promise<Filled>;
  copyOfSmall(): Promise<MeasuredDatabase>;
  /** For the report. */
  note(name: string, value: unknown): void;
}
