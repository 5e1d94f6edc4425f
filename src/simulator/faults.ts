import { isJsonObject } from "./json.ts";

/** What can be made to go wrong: what it does, what its number means, and the number taken when none is given. */
export const faultFacts = {
  repeat: { does: "Each call to the provider is sent several times at once", unit: "times", usual: 3 },
  delay: { does: "Calls to the provider, and answers to its calls, wait", unit: "ms", usual: 2_000 },
  drop_answer: { does: "The provider's answer is lost and the call is sent again", unit: "", usual: 1 },
  reorder: { does: "DELETE is sent before the answer to the provision has come", unit: "", usual: 1 },
  impatient: { does: "The platform gives up on an answer before its 25 seconds", unit: "ms", usual: 500 },
  expire_grant: { does: "Grant codes have expired when they arrive", unit: "", usual: 1 },
  clock_skew: { does: "Sign-in timestamps are off", unit: "seconds", usual: 360 },
  platform_down: { does: "The platform answers the provider 503", unit: "", usual: 1 },
  platform_slow: { does: "The platform answers the provider late", unit: "ms", usual: 10_000 },
  rate_limit: { does: "The platform answers the provider 429", unit: "", usual: 1 },
  gone: { does: "The platform answers the provider 404", unit: "", usual: 1 },
  aws_throttle: { does: "BatchMeterUsage is throttled; nothing is billed", unit: "", usual: 1 },
  aws_error_before: { does: "BatchMeterUsage answers 500 and bills nothing", unit: "", usual: 1 },
  aws_error_after: { does: "BatchMeterUsage bills and then answers 500", unit: "", usual: 1 },
  aws_drop_answer: { does: "BatchMeterUsage bills and the connection breaks", unit: "", usual: 1 },
  aws_hang: { does: "BatchMeterUsage bills, is silent, and then breaks the connection", unit: "ms", usual: 60_000 },
  aws_unprocessed: { does: "The first records of a batch come back unprocessed", unit: "records", usual: 25 },
  aws_repeat_is_duplicate: { does: "An identical repeat is called DuplicateRecord", unit: "", usual: 1 },
  aws_resolve_throttled: { does: "ResolveCustomer is throttled", unit: "", usual: 1 },
  aws_entitlements_down: { does: "GetEntitlements answers 500", unit: "", usual: 1 },
  aws_agreements_down: { does: "The Agreement API answers 500", unit: "", usual: 1 },
  aws_empty_pages: { does: "Lists begin with empty pages that carry a token", unit: "pages", usual: 2 },
  aws_sts_throttled: { does: "AssumeRole is throttled", unit: "", usual: 1 },
  aws_sts_slow: { does: "AssumeRole answers late", unit: "ms", usual: 10_000 },
  aws_events_refused: { does: "The first entries of a PutEvents are refused", unit: "entries", usual: 1 },
  aws_events_down: { does: "PutEvents answers 500 and takes nothing", unit: "", usual: 1 },
  aws_clock_skew: { does: "AWS's Date header is off", unit: "seconds", usual: 600 },
  aws_drop_events: { does: "A message to the provider is lost", unit: "", usual: 1 },
  aws_delay_events: { does: "A message to the provider comes late", unit: "ms", usual: 60_000 },
  aws_repeat_events: { does: "A message to the provider comes several times", unit: "times", usual: 2 },
  aws_reorder_events: { does: "The messages of one step come in reverse order", unit: "", usual: 1 },
} as const;

export type FaultName = keyof typeof faultFacts;

export const faultNames = Object.keys(faultFacts).filter(isFaultName);

export interface FaultSetting {
  readonly value: number;
  /** How often it still happens; null = until switched off. */
  readonly times: number | null;
}

export interface Faults {
  /** The fault's number if it happens now, which uses up one of its times. */
  take(name: FaultName): number | undefined;
  get(name: FaultName): FaultSetting | null;
  set(name: FaultName, setting: FaultSetting | null): void;
  all(): Readonly<Record<string, FaultSetting | null>>;
  clear(): void;
}

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(faultFacts, name);
}

export function createFaults(): Faults {
  const settings = new Map<FaultName, FaultSetting>();
  return {
    take: (name) => {
      const setting = settings.get(name);
      if (setting === undefined) return undefined;
      if (setting.times === 1) settings.delete(name);
      else if (setting.times !== null) settings.set(name, { ...setting, times: setting.times - 1 });
      return setting.value;
    },
    get: (name) => settings.get(name) ?? null,
    set: (name, setting) => {
      if (setting === null) settings.delete(name);
      else settings.set(name, setting);
    },
    all: () => Object.fromEntries(faultNames.map((name) => [name, settings.get(name) ?? null])),
    clear: () => settings.clear(),
  };
}

/**
 * A setting as written by a person: `true` or a number switches on, `false`, `null` or 0 switches off,
 * `{value?, times?}` says both. Undefined = not a setting.
 */
export function parseFaultSetting(name: FaultName, written: unknown): FaultSetting | null | undefined {
  if (written === null || written === false || written === 0) return null;
  if (written === true) return { value: faultFacts[name].usual, times: null };
  if (typeof written === "number" && Number.isFinite(written)) return { value: written, times: null };
  if (!isJsonObject(written)) return undefined;
  const value = written["value"] ?? faultFacts[name].usual;
  const times = written["times"] ?? null;
  if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
  if (times !== null && (typeof times !== "number" || !Number.isInteger(times) || times < 1)) return undefined;
  return { value, times };
}
