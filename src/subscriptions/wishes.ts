import { type Fault, ProviderError } from "../errors.ts";
import { eventTypes } from "../events/catalogue.ts";
import { AddressRefused, type Reach, reachableAddresses } from "./address.ts";

/** What the vendor may say of an endpoint; checked here before it is kept. */
export interface Wishes {
  readonly name?: string | undefined;
  readonly url?: string | undefined;
  readonly bus?: string | undefined;
  readonly region?: string | undefined;
  /** null is every type of ours. */
  readonly types?: readonly string[] | null | undefined;
  readonly test?: boolean | undefined;
}

const LONGEST_URL = 2_048;
const BUS_NAME = /^[\w./-]{1,256}$/;
const BUS_ARN = /^arn:aws[\w-]*:events:([a-z0-9-]+):\d{12}:event-bus\/[\w./-]{1,256}$/;
const REGION = /^[a-z]{2}(-[a-z0-9]+)+-\d$/;

/** Throws `request_malformed` with every fault of the types that are asked for. */
export function checkTypes(types: readonly string[] | null | undefined): void {
  const faults = (types ?? []).flatMap((type, place) =>
    isKnown(type) ? [] : [{ at: `/types/${place}`, message: "is no type of event; /docs/events lists them" }],
  );
  if (faults.length > 0) throw malformed(faults);
}

function isKnown(type: string): boolean {
  if (!type.endsWith("*")) return eventTypes.some((known) => known === type) || /^external\.[\w.-]+$/.test(type);
  const beginning = type.slice(0, -1);
  return type.startsWith("external.") || eventTypes.some((known) => known.startsWith(beginning));
}

/** The address as it is kept. Throws `request_malformed` for one that no event may be sent to. */
export async function checkedUrl(text: string, reach: Reach): Promise<string> {
  const fault = (message: string) => malformed([{ at: "/url", message }]);
  if (text.length > LONGEST_URL || !URL.canParse(text))
    throw fault("must be an address such as https://example.com/events");
  const url = new URL(text);
  if (url.protocol !== "https:" && !(reach.privately && url.protocol === "http:")) throw fault("must be https");
  if (url.username !== "" || url.password !== "") throw fault("must hold no password: events are signed");
  if (url.hash !== "") throw fault("must have no fragment");
  try {
    await reachableAddresses(url.hostname, reach);
  } catch (thrown) {
    throw fault(thrown instanceof AddressRefused ? "is not at a public address" : "cannot be found by its name");
  }
  return url.href;
}

/** A bus and its region; the region is in the ARN or beside the name. */
export function checkedBus(bus: string, region: string | undefined): { readonly bus: string; readonly region: string } {
  const [, ofArn] = BUS_ARN.exec(bus) ?? [];
  const where = ofArn ?? region;
  const faults: Fault[] = [];
  if (ofArn === undefined && !BUS_NAME.test(bus))
    faults.push({ at: "/bus", message: "must be the name or ARN of a bus" });
  if (where === undefined || !REGION.test(where))
    faults.push({ at: "/region", message: "must be a region such as eu-west-1" });
  if (where === undefined || faults.length > 0) throw malformed(faults);
  return { bus, region: where };
}

function malformed(faults: readonly Fault[]): ProviderError {
  return new ProviderError("request_malformed", "The endpoint cannot be kept like this.", { faults });
}
