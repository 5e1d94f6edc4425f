import { ProviderError } from "../../../errors.ts";
import {
  CannotBeCarried,
  CopyDiffers,
  copyPlace,
  emptyShared,
  fillShared,
  type Place,
  type Progress,
  refuseUnlessNoRows,
} from "../../copy/copy.ts";
import { atTenant } from "../makers.ts";
import type { Model } from "../names.ts";
import { findDatabase } from "../rows.ts";
import type { Site } from "../site.ts";
import { makeArrival, moveOn, removeArrival } from "./other-places.ts";
import { activeMove, endLogin, lendLogin } from "./rows.ts";
import type { MovingParts } from "./work.ts";
import { makeWorkingLogin, mintWorkingLogin, placeFor, type WorkingLogin } from "./working-login.ts";

export interface RestoreInto {
  /** A tenant whose data are kept after its deprovision. */
  readonly from: string;
  /** A living tenant that has nothing yet. */
  readonly into: string;
  readonly onProgress?: (progress: Progress) => void;
}

/** One of the two tenants, with a login that works as it. */
interface Party {
  readonly model: Model;
  readonly login: WorkingLogin;
  place(model: Model, arriving?: boolean): Place;
  site<T>(work: (site: Site) => Promise<T>): Promise<T>;
}

const WORKS_FOR_MS = 24 * 3_600_000;

/**
 * Copies kept data into another tenant, verified before anything takes effect: all of it or nothing. The kept data stay
 * until their time. Rejects with `request_conflict`, and the reason, where that cannot be.
 */
export async function restoreInto(parts: MovingParts, { from, into, onProgress }: RestoreInto): Promise<void> {
  if (from === into) throw refused("They are the same tenant.");
  const options = { ...parts.copying, verified: true, ...(onProgress && { onProgress }) };
  try {
    await asParty(parts, from, ["retained"], (source) =>
      asParty(parts, into, ["ready"], (target) =>
        target.model === "pool" ? throughArrival(source, target, options) : straight(source, target, options),
      ),
    );
  } catch (fault) {
    if (fault instanceof CannotBeCarried || fault instanceof CopyDiffers) throw refused(fault.message, fault);
    throw fault;
  }
  const { store, clock } = parts;
  await store.asTenant(into, (tx) => parts.tell(tx, into, { type: "restored", data: { from, at: clock.now() } }));
}

type Options = Parameters<typeof copyPlace>[2];

async function straight(source: Party, target: Party, options: Options): Promise<void> {
  await copyPlace(source.place(source.model), target.place(target.model), options);
}

/** Rows of shared tables are the new tenant's from here. */
async function throughArrival(source: Party, target: Party, options: Options): Promise<void> {
  const [arrival, shared] = [target.place("bridge", true), target.place("pool")];
  await refuseUnlessNoRows(shared, options);
  await target.site((site) => makeArrival(site, "bridge", target.login.role));
  try {
    await copyPlace(source.place(source.model), arrival, options);
    const { different, reached } = await fillShared(arrival, shared, options);
    if (different.length > 0) {
      await emptyShared(shared, options);
      throw new CopyDiffers(different);
    }
    for (const position of reached) await target.site((site) => moveOn(site, position));
  } finally {
    await target.site((site) => removeArrival(site, "bridge"));
  }
}

async function asParty<T>(
  parts: MovingParts,
  tenant: string,
  states: readonly string[],
  work: (party: Party) => Promise<T>,
): Promise<T> {
  const { store, clock, settle, url } = parts;
  const surroundings = await parts.surroundings();
  const site: Party["site"] = (inside) => atTenant(surroundings, tenant, inside);
  const login = mintWorkingLogin(surroundings.environment, tenant);
  const model = await store.asTenant(tenant, async (tx) => {
    const row = await findDatabase(tx);
    if (row === undefined || !states.includes(row.state) || (await activeMove(tx)) !== undefined) {
      throw refused(`The database of ${tenant} is ${row?.state ?? "not there"}; it has to be ${states.join()}.`);
    }
    await lendLogin(tx, tenant, login.role, new Date(clock.now().getTime() + WORKS_FOR_MS));
    return row.model;
  });
  try {
    await site((one) => makeWorkingLogin(one, login));
    return await site((one) =>
      work({ model, login, site, place: (of, arriving) => placeFor(one, url, login, of, arriving) }),
    );
  } finally {
    await store.asTenant(tenant, (tx) => endLogin(tx, login.role));
    await settle(tenant);
  }
}

const refused = (message: string, cause?: unknown) => new ProviderError("request_conflict", message, { cause });
