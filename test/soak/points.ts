import type { CommitPoints, CrashAt } from "./commit-proxy.ts";
import type { Statement } from "./pg-wire.ts";

export type Crash = CrashAt<Point>;

interface Door {
  /** The call of the function, and what of its parameters tells this point from others. */
  readonly call: string;
  readonly says?: RegExp;
  /** Whether there is work for it at the time $1; without work, nothing is committed that matters. */
  readonly waiting?: string;
}

const finish = (says: RegExp): Door => ({ call: "finish_operation(", says });

/** Single statements that commit by themselves. */
const doors = {
  "provision begins": { call: "begin_provision(" },
  "provision ends": finish(/"type":"provision.done"/),
  "provision is refused": finish(/"type":"provision.refused"/),
  "plan change ends": finish(/"type":"plan.changed"/),
  "plan change is refused": finish(/"type":"plan.change_refused"/),
  "rotation ends": finish(/"type":"credential.rotated"/),
  "deprovision ends": finish(/"type":"deprovisioned"/),
  "operation is put off": finish(/"state":"running"/),
  "operations are claimed": {
    call: "claim_operations(",
    waiting: `select from operations where state = 'running' and due_at <= $1
              and (lease_until is null or lease_until <= $1)`,
  },
  "owed calls are claimed": {
    call: "claim_owed_calls(",
    waiting: `select from owed_calls where state = 'owed' and due_at <= $1
              and (lease_until is null or lease_until <= $1)`,
  },
  "credentials retire": {
    call: "retire_credentials(",
    waiting: "select from credentials where state = 'retiring' and retires_at <= $1",
  },
  "refreshes are owed": {
    call: "heroku_upkeep(",
    waiting: "select from heroku_grants where refresh_due_at <= $1",
  },
  "sign-ins are swept": { call: "sweep_sign_ins(" },
  "worker is seen": { call: "insert into workers" },
} as const satisfies Record<string, Door>;

type DoorPoint = keyof typeof doors;

interface Work {
  readonly sql: RegExp;
  readonly says?: RegExp;
}

const newOperation = (kind: string): Work => ({ sql: /insert into operations/, says: new RegExp(`^${kind}$`, "m") });
const settled = (state: string): Work => ({
  sql: /update owed_calls set state = /,
  says: new RegExp(`^${state}$`, "m"),
});

/** Transactions, told by one of their statements; the first that fits names the commit. */
const transactions = {
  "plan change begins": newOperation("change_plan"),
  "rotation begins": newOperation("rotate"),
  "deprovision begins": newOperation("deprovision"),
  "owed call is delivered": settled("delivered"),
  "owed call is put off": settled("owed"),
  "owed call is given up": settled("given_up"),
  "later end is promised": { sql: /set told_later = true/ },
  "grant is kept": { sql: /insert into heroku_grants/ },
  "refresh is taken": { sql: /update heroku_grants set refreshing_until = \$/ },
  "refresh is left": { sql: /update heroku_grants set refreshing_until = null/ },
  "refreshed grant is kept": { sql: /update heroku_grants set access_sealed/ },
  "grant is lost": { sql: /append_event/, says: /^grant\.lost$/m },
  "people are kept": { sql: /delete from people/ },
  "subscription is prepared": { sql: /insert into heroku_webhooks / },
  "subscription is kept": { sql: /update heroku_webhooks set webhook_id/ },
  "webhook is taken": { sql: /insert into heroku_webhook_events/ },
} as const satisfies Record<string, Work>;

/** Transactions whose only write changes nothing: a grant that is lost already has no event, and cannot be lost again. */
const idle: readonly Work[] = [{ sql: /update heroku_grants set state = 'lost'/ }];

export type Point = DoorPoint | keyof typeof transactions;

export const points = [...Object.keys(doors), ...Object.keys(transactions)] as readonly Point[];

const doorEntries = Object.entries(doors) as readonly [DoorPoint, Door][];
const transactionEntries = Object.entries(transactions) as readonly [Point, Work][];

/** The commit point that one statement outside a transaction is, if it is one. */
function pointOfStatement({ sql, params }: Statement): Point | undefined {
  const says = params.join("\n");
  return doorEntries.find(([, door]) => sql.includes(door.call) && (door.says?.test(says) ?? true))?.[0];
}

const WRITES = /^\s*(insert|update|delete)\b|\b(append_event|owe_calls|put_credentials)\(/i;

/** What the commit after these statements is: a point, nothing when they only read, or a write that has no name here. */
export function pointOfTransaction(statements: readonly Statement[]): Point | { readonly unnamed: string } | undefined {
  const fits = ({ sql, says }: Work) =>
    statements.some((statement) => sql.test(statement.sql) && (says?.test(statement.params.join("\n")) ?? true));
  const named = transactionEntries.find(([, work]) => fits(work))?.[0];
  const write = statements.find(({ sql }) => WRITES.test(sql));
  if (named !== undefined || write === undefined || idle.some(fits)) return named;
  return { unnamed: `${write.sql.slice(0, 120)} ${write.params.join(" ").slice(0, 200)}` };
}

/** The question whether there is work for a point, if it can be without. */
export function waitingAt(point: Point): string | undefined {
  return doorEntries.find(([name]) => name === point)?.[1].waiting;
}

export const commitPoints: CommitPoints<Point> = {
  ofStatement: pointOfStatement,
  ofTransaction: pointOfTransaction,
  claim: "operations are claimed",
};
