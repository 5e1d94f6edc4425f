/**
 * What is asked: the same purchase without a grant, a new purchase each time, a verdict on one of many keys, or to store
 * one usage event or a hundred.
 */
export type Question = "same-purchase" | "new-purchase" | "key" | "event" | "events";

/** What is done without a server: one event in each commit, or as many as the database can take by COPY. */
export type Direct = "commits" | "copy";

interface AnyJob {
  readonly seconds: number;
  readonly connections: number;
  /** API keys or tenants that are asked about. */
  readonly subjects: readonly string[];
}

export interface ServerLoad extends AnyJob {
  readonly question: Question;
  readonly port: number;
}

export interface DatabaseLoad extends AnyJob {
  readonly direct: Direct;
  readonly databaseUrl: string;
}

export type LoadJob = ServerLoad | DatabaseLoad;

/** What was done: requests, or events where there are many in one. */
export interface Done {
  readonly units: number;
  readonly seconds: number;
  /** How long each request or statement took, sorted. */
  readonly times: Float64Array;
  /** Answers that were not what was hoped for, and connections that broke. */
  readonly failures: number;
}

export interface LoadResult extends Omit<Done, "times"> {
  /** Or statements, or transactions. */
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How much of a core this generator used: near 1 it is the generator that was measured. */
  readonly busy: number;
  /** Resident, of this generator. */
  readonly memoryMb: number;
}
