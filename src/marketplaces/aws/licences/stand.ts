import { hasContract, type ListedProduct } from "../section.ts";
import type { LicenceView } from "./licence.ts";
import { keep, type Settling } from "./settling.ts";
import { type LicenceState, type Standing, standingOf } from "./standing.ts";

/** Where the licence stands by all that was heard of it. */
export const standingIn = ({ licence, history }: LicenceView, product: ListedProduct): Standing =>
  standingOf(history, { startsByChange: licence.generation === "legacy" && hasContract(product) });

/** Writes it down. */
export async function stand(settling: Settling): Promise<void> {
  const { view, standing } = settling;
  if (!isNews(view, standing)) return;
  await keep(settling, {
    state: rowState(standing),
    started_at: standing.startedAt ?? null,
    ended_at: standing.endedAt ?? null,
    end_reason: standing.endReason ?? null,
    trial: view.licence.trial || standing.trial,
  });
}

function isNews({ licence }: LicenceView, standing: Standing): boolean {
  const { startedAt, endedAt, trial } = standing;
  const same = (text: string | null, date: Date | undefined): boolean =>
    text === null ? date === undefined : new Date(text).getTime() === date?.getTime();
  return !(
    licence.state === rowState(standing) &&
    same(licence.started_at, startedAt) &&
    same(licence.ended_at, endedAt) &&
    (licence.trial || !trial)
  );
}

/** To its relatives, a licence whose agreement goes on in another one is no longer in force. */
const rowState = ({ state, superseded }: Standing): LicenceState | "superseded" =>
  state === "active" && superseded ? "superseded" : state;
