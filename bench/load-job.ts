import type { Client } from "pg";

/**
 * What is asked: the same purchase without a grant, a new purchase each time, a verdict on one of many keys, or to store
 * one usage event or a hundred.
 */
export type Question = "same-purchase" | "new-purchase" | "key" | "event" | "events";

/**
 * What is done without a server: one event in each commit, or as many as the database can take by COPY; or ten rows of a
 * tenant, asked for by a WHERE or behind a policy.
 */
export type Direct = "commits" | "copy" | Scoped;

export type Scoped = "where-after-setting" | "policy-by-setting" | "where" | "policy-by-login";

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
  /** The addresses of its connections, where each is another login's. */
  readonly logins?: readonly string[];
}

export type LoadJob = ServerLoad | DatabaseLoad;

/** One round of work on a connection; answers how many units it did. */
export type Work = (client: Client) => Promise<number>;

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
