import type { JsonObject } from "../../json.ts";
import type { Aws } from "../model/world.ts";
import type { AwsError } from "./answers.ts";

export interface WireCall {
  readonly body: JsonObject;
  /** Of the body as it was sent. */
  readonly bytes: number;
  readonly region: string;
  readonly requestId: string;
  /** Its number in the journal, where it has one. */
  readonly exchange: number | null;
  /** Ends when the caller has gone away. */
  readonly gone: AbortSignal;
}

export type Operation = (aws: Aws, call: WireCall) => JsonObject | AwsError | Promise<JsonObject | AwsError>;

/** One service of AWS that speaks JSON by `X-Amz-Target: <prefix>.<operation>`. */
export interface Service {
  readonly prefix: string;
  /** What its requests are signed for. */
  readonly signedFor: string;
  /** In front of an error's name in `__type`. */
  readonly namespace: string;
  readonly version: "1.0" | "1.1";
  /** Whether its calls are shown; a long poll says nothing worth a line. */
  readonly shown: boolean;
  /** Lives in one region only: a call to another one would find nobody. */
  readonly homeOnly: boolean;
  readonly operations: Readonly<Record<string, Operation>>;
}
