import type { Request, RequestHandler } from "express";
import type { Catalog, Manifest } from "../../catalog/catalog.ts";
import type { Clock } from "../../clock.ts";
import { ProviderError } from "../../errors.ts";
import type { OperatorStore, Store } from "../../isolation/isolation.ts";
import type { Marketplace } from "../../marketplaces/marketplace.ts";
import type { Reconcile } from "../../metering/differences.ts";
import type { Provider } from "../../provider/contract.ts";
import type { BrowserSessions } from "../../sso/browser-sessions.ts";
import type { Subscriptions } from "../../subscriptions/subscriptions.ts";

/** Each may what those before it may. */
export const roles = ["viewer", "support", "operator", "admin"] as const;
export type Role = (typeof roles)[number];

/** Who is signed in: an e-mail, or `token` for whoever holds the shared one. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
}

/** What every section of the console stands on: it reads by `crossing` and writes through `provider`. */
export interface ConsoleParts {
  readonly store: Store;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly catalog: Catalog;
  /** By name; the names are those in force. */
  readonly marketplaces: ReadonlyMap<
    string,
    Pick<Marketplace, "describe" | "currentTruth" | "requestOf" | "usage" | "check">
  >;
  /** Compares what was billed with the seller's report; absent where no marketplace writes one. */
  readonly reconcile?: Reconcile | undefined;
  /** Our own origin: a form that another one sent is refused. */
  readonly publicUrl: string;
  /** The shared token, where one lets people in. */
  readonly operatorToken: string | undefined;
  /** Somebody vouches for people by name. */
  readonly identityProviders: boolean;
  /** Opens the customer's dashboard for an operator who looks on. */
  readonly customerSessions: Pick<BrowserSessions, "open">;
  /** As this process read it at its start, and the file as it is now. */
  readonly manifest: { readonly inForce: Manifest["file"]; readonly readFile: () => Promise<Pick<Manifest, "file">> };
  /** Names of the settings that are set. */
  readonly settingsSet: readonly string[];
  /** What is done to endpoints. */
  readonly subscriptions: Pick<Subscriptions, "tryOut" | "resend" | "recover" | "change" | "rotateSecret">;
}

const people = new WeakMap<Request, Person>();

/** For the guard alone. */
export function letIn(request: Request, person: Person): void {
  people.set(request, person);
}

/** Who is signed in on this request: behind the guard there is always somebody. */
export function personOf(request: Request): Person {
  const person = people.get(request);
  if (person !== undefined) return person;
  throw new ProviderError("not_authenticated", "Please sign in.");
}

/** The store in the hands of this request's person; what is read is told in the audit, with `reason`. */
export function crossing({ store, clock }: ConsoleParts, request: Request, reason: string): OperatorStore {
  return store.asOperator({ by: `operator:${personOf(request).id}`, reason, at: clock.now() });
}

export function may(person: Person, role: Role): boolean {
  return roles.indexOf(person.role) >= roles.indexOf(role);
}

/** Lets on whoever has `role` or more. To others `not_permitted`: its page says what is needed. */
export function needs(role: Role): RequestHandler {
  return function refuseLesserRoles(request, _response, next) {
    const person = personOf(request);
    if (may(person, role)) return next();
    next(
      new ProviderError(
        "not_permitted",
        `This takes the role ${role}. You are signed in as ${person.name} with the role ${person.role}; somebody who is admin can change that. Nothing was done.`,
      ),
    );
  };
}
