import type { Addon } from "../model/platform.ts";

export interface ProviderCall {
  readonly method: "POST" | "PUT" | "DELETE";
  /** Appended to the provider's base URL; empty for a provision. */
  readonly path: string;
  readonly addon: Addon;
  /** Made anew for each sending that follows a lost answer: a repeated provision carries another grant. */
  readonly body?: () => Readonly<Record<string, unknown>>;
}

export interface ProviderReply {
  /** The exchange it came in. */
  readonly exchange: number;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly text: string;
  /** The parsed body when it is a JSON object. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
  /** Why there was no answer. */
  readonly failure: "time_limit" | "unreachable" | undefined;
}
