import { type CommitPoints, type CrashAt, sides } from "../commit-proxy.ts";
import type { Statement } from "../pg-wire.ts";

interface Door {
  /** The call of the function, and what of its parameters tells this point from others. */
  readonly call: string;
  readonly says?: RegExp;
  /** Whether there is work for it at the time $1; without work, nothing is committed that matters. */
  readonly waiting?: string;
}

const unsettled = "state in ('sealed', 'sent') and verdict is null";
const near = `select from usage_records where ${unsettled} and expires_at > $1 and expires_at <= $1::timestamptz + interval '6 hours'
              and sealed_at <= $1::timestamptz - interval '5 minutes'
              and alarms < case when expires_at <= $1::timestamptz + interval '1 hour' then 2 else 1 end`;

/** Single statements that commit by themselves. The first that fits names the commit. */
const doors = {
  "tables are kept": { call: "sweep_usage(" },
  "usage is noted": { call: "note_usage(" },
  "the gate moves": {
    call: "move_usage_gate(",
    waiting: `select from usage_gate where sealed_through < date_trunc('hour', $1::timestamptz - interval '70 minutes', 'UTC')
              union all select from usage_closings where sealed_at is null and not gated and $1::timestamptz is not null`,
  },
  "hours are sealed": {
    call: "roll_usage(",
    waiting: `select from usage_rolls r, usage_gate g
              where (r.noted <> r.rolled or r.summed_through <> g.sealed_through) and $1::timestamptz is not null`,
  },
  "records are frozen": {
    call: "freeze_usage(",
    waiting: `select from usage_records r where state = 'sealed' and frozen_at is null and verdict is null
              and $1::timestamptz is not null and exists (select from payer_of(r.tenant_id, r.hour))`,
  },
  "records expire": {
    call: "expire_usage(",
    waiting: `select from usage_records where ${unsettled} and expires_at <= $1 and (lease is null or due_at <= $1)`,
  },
  "alarms are raised": { call: "alarm_usage(", waiting: near },
  "records are claimed": {
    call: "claim_usage(",
    waiting: "select from usage_records where due_at <= $1 and expires_at > $1",
  },
  "a half is claimed": { call: "resend_usage(" },
  "a batch is halved": { call: "settle_usage(", says: /"kind":"split"/ },
  "answers are settled": { call: "settle_usage(" },
  "a payer is set": { call: "bill_to(" },
  "billing ends": { call: "end_billing(" },
  "usage is included": { call: "include_usage(" },
  "parked records are due again": { call: "retry_billing(" },
  "usage is closed early": { call: "close_usage_of(" },
  "usage is reopened": { call: "reopen_usage_of(" },
  "a message is kept": { call: "aws_keep_message(" },
  "a message is applied": { call: "aws_apply_message(" },
  "licences are claimed": {
    call: "aws_claim_licences(",
    waiting: "select from aws_licences where due_at <= $1 and (lease_until is null or lease_until <= $1)",
  },
  "a licence is saved": { call: "aws_save_licence(" },
  "a licence is left": { call: "aws_leave_licence(" },
  "a buyer registers": { call: "aws_register(" },
  "a tenant begins": { call: "begin_provision(" },
  "an operation ends": { call: "finish_operation(" },
} as const satisfies Record<string, Door>;

/** Transactions, told by one of their statements. */
const transactions = {
  "usage is stored": /^\s*(copy|insert into) usage_keys_\d/i,
  "a tenant begins to end": /insert into operations/,
} as const satisfies Record<string, RegExp>;

type DoorPoint = keyof typeof doors;
export type CommitPoint = DoorPoint | keyof typeof transactions;

/** Not at the database: the call to the marketplace, before it got there or after it was answered. */
export const CALL = "usage is reported";
export type Point = CommitPoint | typeof CALL;
export type Crash = CrashAt<Point>;

const doorEntries = Object.entries(doors) as readonly [DoorPoint, Door][];
const transactionEntries = Object.entries(transactions) as readonly [CommitPoint, RegExp][];

export const points = [...doorEntries, ...transactionEntries].map(([name]): Point => name).concat(CALL);
export const targets: readonly Crash[] = points.flatMap((point) => sides.map((side) => ({ point, side })));

export const commitPoints: CommitPoints<Point> = { ofStatement, ofTransaction };

function ofStatement({ sql, params }: Statement): CommitPoint | undefined {
  const says = params.join("\n");
  return doorEntries.find(([, door]) => sql.includes(door.call) && (door.says?.test(says) ?? true))?.[0];
}

function ofTransaction(statements: readonly Statement[]): CommitPoint | undefined {
  return transactionEntries.find(([, written]) => statements.some(({ sql }) => written.test(sql)))?.[0];
}

/** The question whether there is work for a point, if it can be without. */
export function waitingAt(point: Point): string | undefined {
  return doorEntries.find(([name]) => name === point)?.[1].waiting;
}
