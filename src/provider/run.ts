import { retryDelay } from "../deliveries/deliveries.ts";
import type { Finish, Operation, OperationKind } from "../operations/operations.ts";
import { claimOperations, finishOperation } from "../operations/operations.ts";
import { type ProductAnswer, type ProductCall, type ProductVerb, Refused, RetryLater } from "../product/product.ts";
import { type Tenant, type TenantJson, tenantFromJson } from "../tenants/tenants.ts";
import { configVarFault } from "./config-vars.ts";
import { databaseFault, followRows } from "./databases.ts";
import type { Deps } from "./deps.ts";
import { finishDone, finishRefused, finishTooLate } from "./finish.ts";
import { productCall } from "./product-call.ts";
import { within } from "./within.ts";

/** What the product said, or did not say. */
type Answer =
  | { readonly kind: "done"; readonly answer: ProductAnswer }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "later"; readonly afterSeconds?: number; readonly fault?: string };

const verbs: Readonly<Record<OperationKind, ProductVerb>> = {
  provision: "provision",
  change_plan: "changePlan",
  suspend: "suspend",
  resume: "resume",
  rotate: "rotate",
  deprovision: "deprovision",
};

export interface Attempt {
  readonly operation: Operation;
  readonly tenant: Tenant;
}

export interface AttemptOptions {
  readonly budgetMs: number;
  /** True where whoever waits will be told "not yet" if this attempt does not end it. */
  readonly tellLater: boolean;
}

/** One attempt at an operation whose lease is ours: ask the product outside any transaction, then write down the end. */
export async function attempt(deps: Deps, { operation, tenant }: Attempt, options: AttemptOptions): Promise<Attempt> {
  const answer = isTooLate(deps, operation) ? undefined : await answerTo(deps, operation, tenant, options.budgetMs);
  const now = deps.clock.now();
  const finish =
    answer === undefined ? finishTooLate(deps, operation, tenant) : finishFor(deps, operation, tenant, answer, now);
  const ended = await finishOperation<TenantJson>(
    deps.store,
    operation,
    { ...finish, toldLater: options.tellLater },
    now,
  );
  if (operation.kind === "change_plan" && ended.operation.state === "done") await followRows(deps, operation.tenant);
  return { operation: ended.operation, tenant: tenantFromJson(ended.tenant) };
}

/** The tenants' server follows before the product hears: a login that is announced works, and one that ended does not. */
async function answerTo(deps: Deps, operation: Operation, tenant: Tenant, budgetMs: number): Promise<Answer> {
  const fault = await databaseFault(deps, operation);
  if (fault !== undefined) return { kind: "later", fault };
  return ask(deps, operation, productCall(deps, operation, tenant), budgetMs);
}

function isTooLate(deps: Deps, operation: Operation): boolean {
  return operation.deadlineAt !== null && operation.deadlineAt <= deps.clock.now();
}

async function ask(deps: Deps, operation: Operation, call: ProductCall, budgetMs: number): Promise<Answer> {
  try {
    const answer = await within(budgetMs, (signal) => deps.product[verbs[operation.kind]](call, signal));
    const fault = configVarFault(deps, answer.config ?? {});
    return fault === undefined ? { kind: "done", answer } : { kind: "later", fault };
  } catch (thrown) {
    if (thrown instanceof Refused) return { kind: "refused", message: thrown.message };
    if (thrown instanceof RetryLater) {
      return { kind: "later", ...(thrown.afterSeconds === undefined ? {} : { afterSeconds: thrown.afterSeconds }) };
    }
    return { kind: "later", fault: thrown instanceof Error ? thrown.message.slice(0, 500) : "The product failed." };
  }
}

function finishFor(deps: Deps, operation: Operation, tenant: Tenant, answer: Answer, now: Date): Finish {
  switch (answer.kind) {
    case "done":
      return finishDone(deps, operation, tenant, answer.answer);
    case "refused":
      return (
        finishRefused(deps, operation, tenant, answer.message) ??
        later(operation, now, { fault: `Refused: ${answer.message}` })
      );
    case "later":
      return later(operation, now, answer);
  }
}

function later(operation: Operation, now: Date, why: { afterSeconds?: number; fault?: string }): Finish {
  const seconds = why.afterSeconds ?? retryDelay(operation.attempts);
  const dueAt = new Date(now.getTime() + seconds * 1000);
  // The deadline is met to the second, however long the pause between two tries.
  const nextAt = operation.deadlineAt !== null && operation.deadlineAt < dueAt ? operation.deadlineAt : dueAt;
  return { state: "running", dueAt: nextAt, ...(why.fault === undefined ? {} : { fault: why.fault }) };
}

/** Starts due operations that nobody holds, at most `limit`: a promise for the end of each. A fault leaves it to its lease. */
export async function startDueOperations(deps: Deps, limit: number): Promise<readonly Promise<void>[]> {
  const due = await claimOperations<TenantJson>(deps.store, deps.clock.now(), limit);
  return due.map(async ({ operation, tenant }) => {
    const options = { budgetMs: deps.budgets.product, tellLater: false };
    await attempt(deps, { operation, tenant: tenantFromJson(tenant) }, options);
  });
}
