import type { AwsOptions } from "./options.ts";

/** How far a round of work came: for the next one. */
export interface Progress {
  readonly through: Date | undefined;
  readonly place: string | undefined;
}

/** Takes a round that is due for this process alone; undefined when it is not due, or another process has it. */
export async function takeRound(
  { store, clock }: AwsOptions,
  name: string,
  everyMs: number,
): Promise<Progress | undefined> {
  const now = clock.now();
  const [row] = await store.throughDoor<{ round: { through: string | null; place: string | null } | null }>({
    text: "select aws_take_round($1, $2, $3) as round",
    values: [name, now, new Date(now.getTime() + everyMs)],
  });
  if (!row?.round) return undefined;
  const { through, place } = row.round;
  return { through: through === null ? undefined : new Date(through), place: place ?? undefined };
}

export async function endRound(
  { store }: AwsOptions,
  name: string,
  { through, place }: Progress,
  dueAt: Date,
): Promise<void> {
  await store.throughDoor({
    text: "select aws_end_round($1, $2, $3, $4)",
    values: [name, through ?? null, place ?? null, dueAt],
    repeatable: true,
  });
}
