import { setTimeout as sleep } from "node:timers/promises";
import { readManifestFile } from "../compose.ts";
import { readSettings } from "../config.ts";
import { isSecretKind } from "../credentials/credentials.ts";
import { ProviderError } from "../errors.ts";
import type { Store } from "../isolation/isolation.ts";
import {
  type RotationStatus,
  rotationStatus,
  type Steering,
  startRotation,
  steerRotation,
} from "../provider/rotations.ts";
import { asOperator, thisOperator } from "./operator-database.ts";
import { type Progress, progress } from "./progress.ts";
import { writeProof } from "./rotation-csv.ts";

export interface RotateOptions {
  readonly all?: boolean;
  readonly overlap: number;
  readonly kind?: string;
  readonly canary: number;
  readonly batch: number;
  readonly wait: boolean;
  readonly pause?: string;
  readonly resume?: string;
  readonly cancel?: string;
  /** True for the newest. */
  readonly status?: string | true;
  readonly csv?: string;
  readonly json?: boolean;
}

const LOOK_EVERY_MS = 1_000;
const STANDSTILL_MS = 30_000;
const NOT_WELL = 1;

/**
 * Starts a rotation of everybody and watches it, or looks at one, or steers one. The workers carry it through, whether
 * somebody watches or not. Exit code 1 when tenants failed, or it was stopped.
 */
export async function rotate(options: RotateOptions): Promise<void> {
  await asOperator(readSettings(), "keys rotate", async (store) => {
    const status = await act(store, options);
    if (options.csv !== undefined) await writeProof(store, status.id, options.csv);
    process.stdout.write(options.json ? `${JSON.stringify(status)}\n` : told(status));
    if (status.failed.length > 0 || status.fault !== null) process.exitCode = NOT_WELL;
  });
}

async function act(store: Store, options: RotateOptions): Promise<RotationStatus> {
  const by = thisOperator();
  for (const wish of ["pause", "resume", "cancel"] as const satisfies readonly Steering[]) {
    const id = options[wish];
    if (id === undefined) continue;
    await steerRotation(store, id, wish, by, new Date());
    return rotationStatus(store, id);
  }
  if (options.status !== undefined) return rotationStatus(store, options.status === true ? undefined : options.status);
  if (options.all !== true) {
    throw new ProviderError(
      "request_malformed",
      "Say --all to rotate everybody, or --status, --pause, --resume, --cancel.",
    );
  }
  const { kind, overlap, canary, batch, wait } = options;
  await refuseUnknownKind(kind);
  const id = await startRotation(store, { kind, overlapSeconds: overlap, canary, batch, waits: wait }, by, new Date());
  process.stderr.write(`The rotation ${id} has begun.\n`);
  return watch(store, id);
}

async function refuseUnknownKind(kind: string | undefined): Promise<void> {
  if (kind === undefined) return;
  const { catalog } = await readManifestFile();
  const known = catalog.credentials.map((declared) => declared.kind).filter(isSecretKind);
  if (!known.some((one) => one === kind))
    throw new ProviderError("request_malformed", `There is no kind ${kind} to rotate. Kinds: ${known.join(", ")}.`);
}

/** Until every tenant had its turn, or it was stopped; Ctrl-C ends the watching only. */
async function watch(store: Store, id: string): Promise<RotationStatus> {
  const interrupted = new AbortController();
  const onInterrupt = () => interrupted.abort();
  process.once("SIGINT", onInterrupt);
  const bar = progress(`rotating everybody (${id})`);
  try {
    return await looked(store, id, bar, interrupted.signal);
  } finally {
    bar.end();
    process.off("SIGINT", onInterrupt);
    if (interrupted.signal.aborted)
      process.stderr.write(
        `The rotation goes on without you. Look: stallholder keys rotate --status ${id}. Stop it: --pause ${id}.\n`,
      );
  }
}

async function looked(store: Store, id: string, bar: Progress, interrupted: AbortSignal): Promise<RotationStatus> {
  let before = "";
  let movedAt = performance.now();
  for (;;) {
    const status = await rotationStatus(store, id);
    if (isThrough(status) || interrupted.aborted) return status;
    const counts = JSON.stringify([status.stage, status.tenants]);
    if (counts !== before) movedAt = performance.now();
    before = counts;
    const still = performance.now() - movedAt > STANDSTILL_MS;
    const { done, of } = shareOf(status);
    bar.update(done, of, still ? "nothing moves: does a worker run?" : stageOf(status));
    await sleep(LOOK_EVERY_MS, undefined, { signal: interrupted }).catch(() => undefined);
  }
}

const count = ({ tenants }: RotationStatus, ...states: (keyof RotationStatus["tenants"])[]): number =>
  states.reduce((sum, state) => sum + (tenants[state] ?? 0), 0);

function isThrough(status: RotationStatus): boolean {
  return status.state !== "running" || (status.stage !== "enrolling" && count(status, "waiting", "rotated") === 0);
}

function shareOf(status: RotationStatus): { done: number; of: number } {
  const done = count(status, "taken", "ended", "failed", "gone", "left");
  return { done, of: done + count(status, "waiting", "rotated") };
}

function stageOf(status: RotationStatus): string {
  const failed = count(status, "failed");
  const stage = { enrolling: "counting the tenants", canary: `${status.canaries} canaries first`, rest: "" }[
    status.stage
  ];
  return [stage, failed === 0 ? "" : `${failed} failed`].filter((part) => part !== "").join(", ");
}

function told(status: RotationStatus): string {
  const { id, state, stage, fault, failed } = status;
  const { done, of } = shareOf(status);
  const lines = [
    `Rotation ${id}: ${state}${state === "running" ? ` (${stage})` : ""}${fault === null ? "" : `: ${fault}`}`,
    `  ${done} of ${of} tenants had their turn.`,
    ...(Object.entries(sentences) as [keyof typeof sentences, string][])
      .filter(([of]) => count(status, of) > 0)
      .map(([of, sentence]) => `  ${String(count(status, of)).padStart(7)} ${sentence}`),
    ...failed.map(({ tenant, note }) => `  failed: ${tenant}: ${note ?? "(nothing was said)"}`),
    ...next(status).map((line) => `  ${line}`),
  ];
  return `${lines.join("\n")}\n`;
}

const sentences = {
  waiting: "wait for their turn",
  rotated: "have new credentials that are on their way to the marketplace",
  taken: "have new credentials; the old ones still work",
  ended: "have new credentials; the old ones have ended",
  failed: "failed",
  gone: "left meanwhile",
  left: "were not reached",
} as const;

function next({ id, state, fault, failed }: RotationStatus): readonly string[] {
  if (state === "paused") {
    const why = fault === null ? "" : " once you know why";
    return [`Go on${why}: stallholder keys rotate --resume ${id}. Give up: --cancel ${id}.`];
  }
  if (state === "done" && failed.length > 0) return ["Rotate those that failed one by one, or run it again."];
  return [];
}
