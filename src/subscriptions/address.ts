import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { BlockList, isIP, type LookupFunction } from "node:net";

/** Which addresses an event may be sent to. */
export interface Reach {
  /** Also this machine and private networks, for development; link-local addresses never. */
  readonly privately: boolean;
  /** All addresses of a name; the system's own way unless a test gives another. */
  readonly resolve?: (name: string) => Promise<readonly LookupAddress[]>;
}

/** The address is not one of a public machine. */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
}

type Net = readonly [network: string, prefix: number];

/** IANA's registry of special IPv4 addresses; what is not here is public. */
const SPECIAL_4: readonly Net[] = [
  ["0.0.0.0", 8],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];
const PRIVATE_4: readonly Net[] = [
  ["10.0.0.0", 8],
  ["127.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
];
/** Public IPv6 addresses lie here; without what stands for an IPv4 address (6to4, Teredo), for nobody, or for examples. */
const GLOBAL_6: readonly Net[] = [["2000::", 3]];
const SPECIAL_6: readonly Net[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];
const PRIVATE_6: readonly Net[] = [
  ["::1", 128],
  ["fc00::", 7],
];

const listed = (nets: readonly Net[], family: "ipv4" | "ipv6"): ((address: string) => boolean) => {
  const list = new BlockList();
  for (const [network, prefix] of nets) list.addSubnet(network, prefix, family);
  return (address) => list.check(address, family);
};

const [isSpecial4, isPrivate4] = [listed(SPECIAL_4, "ipv4"), listed(PRIVATE_4, "ipv4")];
const [isGlobal6, isSpecial6, isPrivate6] = [
  listed(GLOBAL_6, "ipv6"),
  listed(SPECIAL_6, "ipv6"),
  listed(PRIVATE_6, "ipv6"),
];

/** Whether an address, as a socket names it, may be connected to. An IPv4 address in an IPv6 one is never. */
export function isReachable(address: string, { privately }: Pick<Reach, "privately">): boolean {
  switch (isIP(address)) {
    case 4:
      return !isSpecial4(address) && (privately || !isPrivate4(address));
    case 6:
      return (isGlobal6(address) && !isSpecial6(address)) || (privately && isPrivate6(address));
    default:
      return false;
  }
}

/** The addresses of a host: none of them may be refused, or whoever answers for the name could choose. */
export async function reachableAddresses(host: string, reach: Reach): Promise<readonly LookupAddress[]> {
  const literal = bare(host);
  const family = isIP(literal);
  const found = family === 0 ? await (reach.resolve ?? resolveAll)(host) : [{ address: literal, family }];
  if (found.length === 0) throw new AddressRefused(`${host} has no address.`);
  if (found.some(({ address }) => !isReachable(address, reach)))
    throw new AddressRefused(`${host} is not at a public address.`);
  return found;
}

/** A host without the brackets that an address has around an IPv6 address. */
export const bare = (host: string): string => host.replace(/^\[|\]$/g, "");

const resolveAll = (name: string): Promise<LookupAddress[]> => lookup(name, { all: true, verbatim: true });

/** Looks a host up at the moment of connecting: the addresses that were judged are the ones connected to. */
export function guardedLookup(reach: Reach): LookupFunction {
  return (host, options, done) => {
    reachableAddresses(host, reach).then(
      (found) => {
        const [first] = found;
        if (options.all) done(null, [...found]);
        else done(null, first?.address ?? "", first?.family ?? 0);
      },
      (fault: Error) => done(fault, "", 0),
    );
  };
}
