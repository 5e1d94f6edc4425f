import type { EndpointLine } from "./read.ts";

/** A part of a path that nobody would write by hand. */
const OPAQUE = /^(?=.*\d)[\w~.%-]{12,}$|^[A-Za-z0-9]{20,}$/;

/** An address without what may be a secret in it: the values of a query, and parts of the path that look made by chance. */
export function shownAddress(address: string): string {
  if (!/^https?:/.test(address) || !URL.canParse(address)) return address;
  const { origin, pathname, searchParams } = new URL(address);
  const path = pathname.split("/").map((part) => (OPAQUE.test(part) ? "…" : part));
  const names = [...searchParams.keys()].map((name) => `${OPAQUE.test(name) ? "" : name}=…`);
  return `${origin}${path.join("/")}${names.length === 0 ? "" : `?${names.join("&")}`}`;
}

type Placed = Pick<EndpointLine, "id" | "name" | "url" | "bus" | "region">;

/** Where it is: an address, or a bus in its region. */
export function placeOf({ url, bus, region }: Placed): string {
  return url === null ? `${bus} in ${region}` : shownAddress(url);
}

export const titleOf = (endpoint: Placed): string => endpoint.name || placeOf(endpoint);
