import type { Alarm, SimulatorClock } from "../../clock.ts";
import type { Faults } from "../../faults.ts";
import type { Journal } from "../../journal.ts";
import type { SimulatorManifest } from "./manifest.ts";

/** Everything the played platform consists of. `state` is replaced on reset; the rest stays. */
export interface Platform {
  readonly origin: string;
  readonly providerOrigin: string | undefined;
  readonly clientSecret: string;
  readonly clock: SimulatorClock;
  readonly faults: Faults;
  readonly journal: Journal;
  /** Aborted when the simulator closes. */
  readonly stopping: AbortSignal;
  state: State;
}

/** What the platform remembers; each map is keyed by id (codes and tokens by themselves). */
export interface State {
  manifest: SimulatorManifest;
  readonly manifests: PushedManifest[];
  readonly people: Map<string, Person>;
  readonly teams: Map<string, Team>;
  readonly apps: Map<string, App>;
  readonly addons: Map<string, Addon>;
  readonly attachments: Map<string, Attachment>;
  readonly grants: Map<string, Grant>;
  readonly accessTokens: Map<string, AccessToken>;
  readonly refreshTokens: Map<string, Addon>;
  readonly webhooks: Map<string, Webhook>;
  readonly deliveries: Delivery[];
  eventSequence: number;
  /** Shown once on the page. */
  notice: string | null;
}

export interface Person {
  readonly id: string;
  readonly email: string;
}

export interface Team {
  readonly id: string;
  readonly name: string;
  readonly members: readonly Person[];
}

export interface App {
  readonly id: string;
  name: string;
  readonly region: string;
  readonly owner: Person;
  readonly team: Team | null;
  /** Besides the owner. */
  readonly collaborators: Map<string, Person>;
  /** Set by the customer, not by an add-on. */
  readonly ownVars: Map<string, string>;
  readonly createdAt: Date;
  release: number;
}

export type AddonState = "provisioning" | "provisioned" | "deprovisioned";

export interface Addon {
  /** The uuid that the provider keys on. */
  readonly id: string;
  name: string;
  plan: string;
  readonly app: App;
  state: AddonState;
  /** Provisioning failed later: still shown, as errored, to whoever asks by name. */
  failed: boolean;
  /** The provider's own id, once it has answered. */
  providerId: string | null;
  /** Full names, as the manifest declares them. */
  readonly config: Map<string, string>;
  readonly options: Readonly<Record<string, string>>;
  readonly logDrainToken: string;
  message: string | null;
  readonly createdAt: Date;
  updatedAt: Date;
  /** The twelve hours of an asynchronous provision. */
  deadline: Alarm | null;
}

export interface Attachment {
  readonly id: string;
  readonly name: string;
  readonly addon: Addon;
  readonly app: App;
  readonly namespace: string | null;
  readonly createdAt: Date;
}

export interface Grant {
  readonly code: string;
  readonly addon: Addon;
  readonly expiresAt: Date;
  used: boolean;
}

export interface AccessToken {
  readonly addon: Addon;
  readonly expiresAt: Date;
}

export interface Webhook {
  readonly id: string;
  readonly addon: Addon;
  include: readonly string[];
  level: "notify" | "sync";
  url: string;
  secret: string;
  authorization: string | null;
  readonly createdAt: Date;
  updatedAt: Date;
  /** A `sync` subscription delivers one after the other; this is the line. */
  readonly waiting: Delivery[];
  delivering: boolean;
}

export type DeliveryStatus = "pending" | "scheduled" | "retrying" | "failed" | "succeeded";

export interface Delivery {
  readonly id: string;
  readonly webhook: Webhook;
  readonly include: string;
  readonly event: Readonly<Record<string, unknown>>;
  status: DeliveryStatus;
  attempts: number;
  readonly createdAt: Date;
}

export interface PushedManifest {
  readonly id: string;
  readonly slug: string;
  readonly createdAt: Date;
  readonly contents: Readonly<Record<string, unknown>>;
}
