/** One frozen record as a marketplace is told of it: every time with the same content. */
export interface ReportRecord {
  /** Opaque; echoes in the verdict. */
  readonly key: string;
  /** Who pays, in the words of the marketplace's adapter. */
  readonly billingReference: string;
  readonly dimension: string;
  readonly hour: Date;
  /** An instant inside the hour: its start, or that of the purchase if it is later. */
  readonly stampedAt: Date;
  /** 0 to 2,147,483,647. */
  readonly units: number;
  /** Empty, or parts whose units add up to the whole; the part without tags is what no tag fits. */
  readonly allocations: readonly { readonly units: number; readonly tags: Readonly<Record<string, string>> }[];
}

/** Records that may travel in one call. */
export interface ReportBatch {
  readonly lot: string;
  readonly records: readonly ReportRecord[];
}

export type ReportVerdict =
  /** The marketplace holds exactly this quantity. */
  | { readonly kind: "billed"; readonly id: string }
  /** It says that it already holds a quantity for this key. */
  | { readonly kind: "held_another" }
  | { readonly kind: "not_subscribed" }
  /** Definitely not applied: send again. */
  | { readonly kind: "not_taken"; readonly fault: string }
  /** Nobody knows: send again unchanged. */
  | { readonly kind: "unknown"; readonly fault: string };

/** What one call came to: a verdict for each record by its key, or one thing for the whole call. */
export type ReportAnswer =
  /** A key that is missing counts as unknown. */
  | {
      readonly kind: "answered";
      readonly verdicts: ReadonlyMap<string, ReportVerdict>;
      readonly requestId?: string;
    }
  /** Definite: nothing was applied. */
  | { readonly kind: "throttled" }
  /** A fault over there, a time-out, a broken connection. */
  | { readonly kind: "unknown"; readonly fault: string }
  /** Definite: a record in it is at fault. */
  | { readonly kind: "refused"; readonly code: string; readonly message: string; readonly tooOld?: boolean }
  /** Definite: our credentials, region or clock. */
  | { readonly kind: "misconfigured"; readonly code: string; readonly message: string };

/** What a marketplace that bills usage offers, and how it wants it. */
export interface UsageReporting {
  readonly most: { readonly records: number; readonly bytes: number; readonly callsPerSecond: number };
  /** How long after its stamp a record is taken, and how long after the end of the stamp's month. */
  readonly rules: { readonly windowHours: number; readonly monthGraceHours: number };
  /** Whether an hour without usage is reported, as zero. */
  readonly heartbeats: boolean;
  /**
   * `dry`: nothing is claimed, sent or expired, and what would be sent can be looked at. `shadow`: nothing is sent, yet records go through all their states and end with the verdict `shadow`. Live when absent.
   */
  readonly mode?: "dry" | "shadow" | undefined;
  /** Never throws for what it understands; ends when `signal` aborts. */
  report(batch: ReportBatch, signal: AbortSignal): Promise<ReportAnswer>;
}
