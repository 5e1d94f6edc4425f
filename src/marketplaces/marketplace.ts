import type { Router } from "express";
import type { Delivery, OwedCall } from "../deliveries/deliveries.ts";
import type { UsageReporting } from "../metering/reporting.ts";
import type { OperationKind } from "../operations/operations.ts";
import type { Provider } from "../provider/contract.ts";
import type { Abilities } from "../provider/deps.ts";
import type { BrowserSessions } from "../sso/browser-sessions.ts";
import type { Person, Tenant } from "../tenants/tenants.ts";

/** What a marketplace's routes are given: the product as one interface, and a way to sign a browser in. */
export interface Intake {
  readonly provider: Provider;
  readonly sessions: BrowserSessions;
}

/** What we may ask of any marketplace. */
export interface Marketplace {
  readonly name: string;
  readonly abilities: Abilities;
  /** Where the marketplace bills usage: how it is told. */
  readonly usage?: UsageReporting;
  /** Mounted at `/<name>`; renders its own error shape. */
  routes(intake: Intake): Router;
  /** One attempt of an owed call, within its own time limit; never throws for an answer it understands. */
  deliver(call: OwedCall): Promise<Delivery>;
  /** What the dashboard says of the purchase in this marketplace's words. */
  describe(tenant: Tenant): Promise<MarketplaceTexts>;
  /** What is said of the purchase over there now, where one may ask; ends with `within`. Throws like `deliver` does. */
  currentTruth?(tenant: Tenant, within: AbortSignal): Promise<readonly Said[]>;
  /** Whether the other side can be reached and lets us do what selling takes; changes nothing, ends with `within`, never throws. */
  check?(within: AbortSignal): Promise<readonly Finding[]>;
  /** The request that asked for this, to be sent to a provider under development. Undefined where it is not known. */
  requestOf?(tenant: Tenant, asked: Asked): InboundRequest | undefined;
  /** Number of the AWS account that bought, where this marketplace knows one. */
  accountOf?(tenant: Tenant): Promise<string | undefined>;
  /**
   * Called about once a second by a worker: does what time has made due (refresh a grant, look at people again). What goes
   * on beside it ends with `stopping`.
   */
  upkeep?(stopping?: AbortSignal): Promise<void>;
}

/** What was found of one thing, and what to do about it. `yours`: only a person can tell. */
export interface Finding {
  readonly check: string;
  readonly verdict: "ok" | "warning" | "fault" | "yours";
  readonly says: string;
  readonly cure?: string;
}

/** One thing a marketplace says of a purchase. */
export interface Said {
  readonly term: string;
  readonly text: string;
}

/** An operation, as far as a request was the reason for it. */
export interface Asked {
  readonly kind: OperationKind;
  readonly target: Readonly<Record<string, unknown>>;
}

/** Secrets are names of variables in it. */
export interface InboundRequest {
  readonly method: "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly authorization: Authorization;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** `user:$VARIABLE`, or `$VARIABLE`. */
type Authorization = { readonly basic: string } | { readonly bearer: string };

/** How something is done over there: a command to paste, or a page to open. */
export type Way = { readonly command: string } | { readonly page: string };

/** Texts a marketplace hands to the dashboard: the one place where its words reach a page of ours. */
export interface MarketplaceTexts {
  /** "Heroku" */
  readonly title: string;
  /** Element id and cookie the marketplace wants on pages opened from it, if any. */
  readonly headerId?: string;
  readonly backUrl?: string;
  /** The app that owns the purchase, and who owns that. Display text. */
  readonly appName?: string;
  readonly owner?: string;
  readonly people: readonly Person[];
  /** The terms of the purchase over there: its state, its dates, what it includes. */
  readonly terms?: readonly Said[];
  /** It is known to end: the customer is told when it is removed, and why. */
  readonly ending?: { readonly at: Date; readonly why: string } | undefined;
  /** Ids of the plans that can be had over there; all of the catalog when absent. */
  readonly plans?: readonly string[];
  /** Prices are agreed over there: the catalog's are not shown. */
  readonly pricedThere?: true;
  readonly ways: {
    readonly changePlan: (plan: string) => Way;
    /** Absent where config vars are not set over there: the customer copies them from the dashboard. */
    readonly showConfig?: Way;
    readonly remove: Way;
  };
  /** What happens over there when config vars change. */
  readonly rotationWarning: string;
}
