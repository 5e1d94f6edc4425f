import type { Place, Progress } from "../../copy/copy.ts";
import type { DatabasesOptions } from "../contract.ts";
import { atTenant } from "../makers.ts";
import type { Model } from "../names.ts";
import { findDatabase } from "../rows.ts";
import type { Site, Surroundings } from "../site.ts";
import { changeMove, type HeldMove, type Move, planMove } from "./rows.ts";
import { makeWorkingLogin, mintWorkingLogin, placeFor, type WorkingLogin } from "./working-login.ts";

export interface MovingParts extends Pick<DatabasesOptions, "store" | "clock" | "aim" | "tell" | "url" | "copying"> {
  readonly surroundings: () => Promise<Surroundings>;
  readonly settle: (tenant: string) => Promise<void>;
}

/** One move, while this process works on it. */
export interface MoveWork {
  readonly parts: MovingParts;
  readonly move: Move;
  readonly held: () => HeldMove;
  /** For whatever copies: it ends when the lease does. */
  readonly options: { readonly signal: AbortSignal; readonly onProgress: (progress: Progress) => void };
  /** Runs `work` as the administrator on the shared database. */
  site<T>(work: (site: Site) => Promise<T>): Promise<T>;
  /** The login of this run; those of runs before, and whatever they still do, have ended when there is one. */
  login(): Promise<WorkingLogin>;
  places(): Promise<(model: Model, arriving?: boolean) => Place>;
  /** The tenant has something on the server. */
  isThere(): Promise<boolean>;
}

export function workOn(
  parts: MovingParts,
  surroundings: Surroundings,
  held: () => HeldMove,
): Omit<MoveWork, "move" | "options"> {
  const { tenant } = held().move;
  const site = <T>(work: (site: Site) => Promise<T>): Promise<T> => atTenant(surroundings, tenant, work);

  let made: Promise<WorkingLogin> | undefined;
  const login = (): Promise<WorkingLogin> => {
    made ??= (async () => {
      const fresh = mintWorkingLogin(surroundings.environment, tenant);
      await note(parts, held(), fresh.role);
      await parts.settle(tenant);
      await site((one) => makeWorkingLogin(one, fresh));
      return fresh;
    })();
    return made;
  };
  return {
    parts,
    held,
    site,
    login,
    places: async () => {
      const own = await login();
      return site(async (one) => (model, arriving) => placeFor(one, parts.url, own, model, arriving));
    },
    isThere: () =>
      parts.store.asTenant(tenant, async (tx) => {
        const row = await findDatabase(tx);
        return row !== undefined && row.state !== "removed";
      }),
  };
}

async function note({ store, clock }: MovingParts, held: HeldMove, login: string | null): Promise<void> {
  const changed = await store.asTenant(held.move.tenant, (tx) => changeMove(tx, held, { login }, clock.now()));
  if (changed === undefined) throw new Error("The move is no longer ours.");
}

/** The next settlement drops the login. */
export async function forgetLogin(work: MoveWork): Promise<void> {
  await note(work.parts, work.held(), null);
  await work.parts.settle(work.move.tenant);
}

const DAY_MS = 86_400_000;

/**
 * The move is over, or rests until its old place goes. Where the plan asks for something else by now, the next move is
 * written; one that failed is not begun again for the same plan.
 */
export async function endMove(work: MoveWork, state: "kept" | "done" | "cancelled" | "failed"): Promise<void> {
  const { parts, move } = work;
  const now = parts.clock.now();
  await parts.store.asTenant(move.tenant, async (tx) => {
    await tx.query("select from tenants where id = $1 for no key update", [move.tenant]);
    const aim = await parts.aim(tx);
    const keptUntil = new Date(now.getTime() + (aim?.limits.graceDays ?? 0) * DAY_MS);
    const change = state === "kept" ? { state, keptUntil, dueAt: keptUntil } : { state };
    if ((await changeMove(tx, work.held(), change, now)) === undefined || state === "done") return;
    await tx.query(
      `update tenant_databases set state = case when state = 'moving' then 'ready' else state end, asked = asked + 1,
         due_at = '-infinity' where tenant_id = this_tenant()`,
    );
    if (state === "failed") {
      await parts.tell(tx, move.tenant, {
        type: "move_failed",
        data: { from: move.from, to: move.to, reason: move.reason },
      });
    }
    const row = await findDatabase(tx);
    if (row === undefined || row.wanted === row.model || (row.state !== "ready" && row.state !== "suspended")) return;
    if (state !== "cancelled" && row.wanted === move.planModel) return;
    const { wanted, model } = row;
    await planMove(tx, { tenant: move.tenant, from: model, to: wanted, planModel: wanted, by: "job:databases" }, now);
  });
}
