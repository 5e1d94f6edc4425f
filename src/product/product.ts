/** What the vendor's product is told with each call. The same `operationId` means the same intention, asked again. */
export interface ProductCall {
  readonly operationId: string;
  readonly tenant: {
    readonly id: string;
    readonly marketplace: string;
    readonly resourceId: string;
    readonly name: string;
    readonly region: string | null;
    readonly options: Readonly<Record<string, string | number | boolean>>;
  };
  readonly plan: string;
  readonly limits: Readonly<Record<string, number>>;
  /** Set on `changePlan`: the plan so far. */
  readonly previousPlan?: string;
  /** Set on `suspend`. */
  readonly reason?: string;
}

/** Done. `config` adds config vars (full names, declared in the manifest); `message` is shown to the customer. */
export interface ProductAnswer {
  readonly config?: Readonly<Record<string, string>>;
  readonly message?: string;
}

/**
 * The vendor's running service. Every method runs at least once for each operation, may be asked again with the same
 * `operationId`, and must end when `signal` aborts. It resolves when done, throws `RetryLater` for "not yet" and
 * `Refused` for "never"; anything else thrown counts as a fault and is retried.
 */
export interface Product {
  /** There is nobody to ask for a provision: a purchase is done when it is stored. */
  readonly provisionsAtOnce?: true;
  provision(call: ProductCall, signal: AbortSignal): Promise<ProductAnswer>;
  changePlan(call: ProductCall, signal: AbortSignal): Promise<ProductAnswer>;
  suspend(call: ProductCall, signal: AbortSignal): Promise<ProductAnswer>;
  resume(call: ProductCall, signal: AbortSignal): Promise<ProductAnswer>;
  rotate(call: ProductCall, signal: AbortSignal): Promise<ProductAnswer>;
  /** Must succeed for a tenant it never heard of: a provision may have been cut off. */
  deprovision(call: ProductCall, signal: AbortSignal): Promise<ProductAnswer>;
}

export const productVerbs = ["provision", "changePlan", "suspend", "resume", "rotate", "deprovision"] as const;
export type ProductVerb = (typeof productVerbs)[number];

/** "Not yet: ask again with the same operationId." */
export class RetryLater extends Error {
  override readonly name = "RetryLater";
  readonly afterSeconds: number | undefined;

  constructor(afterSeconds?: number) {
    super("The product is not done yet.");
    this.afterSeconds = afterSeconds;
  }
}

/** "Never": the message goes to the customer as it stands. */
export class Refused extends Error {
  override readonly name = "Refused";
}
