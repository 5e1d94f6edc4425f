import type { SimulatorClock } from "../../clock.ts";
import type { Faults } from "../../faults.ts";
import type { Journal } from "../../journal.ts";
import type { JsonObject } from "../../json.ts";
import type { RoleSession } from "../access/assumption.ts";
import type { Role } from "../access/role.ts";
import type { BusEvent } from "../bus/bus-event.ts";
import type { Message } from "../emission/message.ts";
import type { SigningKey } from "../emission/signing-key.ts";
import type { Ledger } from "../metering/ledger.ts";
import type { Queue } from "../queue/queue.ts";
import type { CallRate } from "../wire/call-rate.ts";
import type { Agreement } from "./agreement.ts";
import type { Product } from "./products.ts";
import type { Register } from "./register.ts";

/** What the form of the buyer's browser carries. */
export interface RegistrationToken {
  readonly agreement: Agreement;
  readonly expiresAt: Date;
  /** Of a product of another seller. */
  readonly foreign: boolean;
}

/** Which ways messages leave by. */
export interface Delivery {
  /** EventBridge's API destination: a POST to `/aws/events`. */
  eventbridge: boolean;
  /** SNS over HTTPS: a POST to `/aws/sns`. */
  sns: boolean;
  /** Both into the queue. */
  queue: boolean;
  /** How SNS puts a message into the queue. */
  snsForm: "wrapped" | "raw" | "object";
  signatureVersion: "1" | "2";
}

export interface TopicSubscription {
  /** What the provider has to show to confirm. */
  readonly token: string;
  readonly askedAt: Date;
  readonly confirmed: boolean;
}

/** Temporary credentials that AssumeRole gave out. */
export interface Session {
  readonly token: string;
  readonly expiresAt: Date;
  readonly session: RoleSession;
}

export interface State {
  readonly products: readonly Product[];
  readonly agreements: Register;
  readonly tokens: Map<string, RegistrationToken>;
  /** By ARN: those whose policies are known, and judged. */
  readonly roles: Map<string, Role>;
  /** By access key. */
  readonly sessions: Map<string, Session>;
  readonly messages: Map<string, Message>;
  /** What is known of our subscription to each SNS topic. */
  readonly subscriptions: Map<string, TopicSubscription>;
  readonly ledger: Ledger;
  /** What the vendor's own buses have taken. */
  readonly bus: BusEvent[];
  readonly queue: Queue;
  /** What nobody could take from the queue. */
  readonly deadLetters: Queue;
  readonly delivery: Delivery;
  /** What the last button of the page did. */
  notice: string | null;
}

/** A CloudFormation template, and what is said for its parameters. */
export interface Stack {
  readonly template: JsonObject;
  readonly parameters: JsonObject;
}

/** Everything the handlers get: the state, and the tools around it. */
export interface Aws {
  readonly origin: string;
  readonly providerOrigin: string | undefined;
  /** What EventBridge shows the provider. */
  readonly eventsSecret: string;
  /** What AssumeRole asks for; undefined = whatever is said. */
  readonly externalId: string | undefined;
  /** What is deployed in the seller's account from the start. */
  readonly stack: Stack | undefined;
  readonly manifest: JsonObject;
  readonly clock: SimulatorClock;
  readonly faults: Faults;
  readonly journal: Journal;
  readonly stopping: AbortSignal;
  readonly signingKey: () => Promise<SigningKey>;
  readonly rate: CallRate;
  state: State;
}
