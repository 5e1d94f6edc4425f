import { anchorAudit } from "../events/audit-anchor.ts";
import { listUsage, meteringSummary } from "../metering/read.ts";
import { findOperation } from "../operations/operations.ts";
import { findTenant, listTenants } from "../tenants/tenants.ts";
import { attachEvent } from "./attach-event.ts";
import {
  awsConnection,
  checkAwsConnections,
  connectAws,
  connectedCredentials,
  disconnectAws,
  offerAwsConnection,
} from "./aws-connection.ts";
import { awsCredentials } from "./aws-credentials.ts";
import { awsTemplate } from "./aws-template.ts";
import { billTo, endBilling, include, retryBilling } from "./billing.ts";
import { changePlan } from "./change-plan.ts";
import { configVarsOf, revealConfigVar } from "./config-vars.ts";
import type { Provider, ProviderJobs } from "./contract.ts";
import { givesDatabases } from "./databases.ts";
import { deprovision } from "./deprovision.ts";
import { type Budgets, type Deps, defaultBudgets } from "./deps.ts";
import { issueCredential, reissueCredential } from "./issue.ts";
import { noteExport } from "./note-export.ts";
import { provision } from "./provision.ts";
import { listCredentials, revokeCredential } from "./revoke.ts";
import { rotateCredentials } from "./rotate.ts";
import { followRotations, startRotations } from "./rotate-everybody.ts";
import { startDueOperations } from "./run.ts";
import { setEntitlements } from "./set-entitlements.ts";
import { signIn } from "./sign-in.ts";
import { resume, suspend } from "./suspend.ts";
import { sweep } from "./sweep.ts";
import { tellProduct } from "./tell-product.ts";
import { testConnection } from "./test-connection.ts";
import { addUsageAlert, removeUsageAlert, tellCustomer } from "./usage-alerts.ts";
import { authorise, issueToken, verifyKey } from "./verify-key.ts";

export type ProviderParts = Omit<Deps, "budgets"> & { readonly budgets?: Budgets };

/** The whole product as one object; each command is a file of this folder. */
export function createProvider(parts: ProviderParts): Provider & ProviderJobs {
  const deps: Deps = { budgets: defaultBudgets, ...parts };
  return {
    provision: (request) => provision(deps, request),
    changePlan: (change) => changePlan(deps, change),
    suspend: (suspension) => suspend(deps, suspension),
    resume: (command) => resume(deps, command),
    deprovision: (command) => deprovision(deps, command),
    rotateCredentials: (rotation) => rotateCredentials(deps, rotation),
    issueCredential: (issue) => issueCredential(deps, issue),
    reissueCredential: (reissue) => reissueCredential(deps, reissue),
    listCredentials: (ref) => listCredentials(deps, ref),
    revokeCredential: (revocation) => revokeCredential(deps, revocation),
    signIn: (claim) => signIn(deps, claim),
    configVars: (tenant) => configVarsOf(deps, tenant),
    revealConfigVar: (command, name) => revealConfigVar(deps, command, name),
    verifyKey: (key) => verifyKey(deps, key),
    authorise: (key, scope) => authorise(deps, key, scope),
    issueToken: (key) => issueToken(deps, key),
    awsCredentials: (asked) => awsCredentials(deps, asked),
    awsConnection: (tenant) => awsConnection(deps, tenant),
    offerAwsConnection: (command) => offerAwsConnection(deps, command),
    connectAws: (role) => connectAws(deps, role),
    disconnectAws: (command) => disconnectAws(deps, command),
    connectedCredentials: (asked) => connectedCredentials(deps, asked),
    awsTemplate: (tenant) => awsTemplate(deps, tenant),
    checkAwsConnections: () => checkAwsConnections(deps),
    findTenant: (ref) => findTenant(deps.store, ref),
    listTenants: (filter) => listTenants(deps.store, filter),
    operation: (tenant, id) => deps.store.asTenant(tenant, (tx) => findOperation(tx, id)),
    attachEvent: (tenant, event) => attachEvent(deps, tenant, event),
    recordUsage: (source, items) => deps.metering.record(source, items),
    listUsage: (filter) => listUsage(deps.store, filter),
    meteringSummary: () => meteringSummary(deps.store, [...deps.reporting().keys()], deps.clock.now()),
    setEntitlements: (ref, to) => setEntitlements(deps, { ...to, ref }),
    billTo: (ref, payer) => billTo(deps, ref, payer),
    endBilling: (ref, end) => endBilling(deps, ref, end),
    include: (ref, included) => include(deps, ref, included),
    retryBilling: (ref, billingReference) => retryBilling(deps, ref, billingReference),
    addUsageAlert: (wish) => addUsageAlert(deps, wish),
    removeUsageAlert: (removal) => removeUsageAlert(deps, removal),
    testConnection: (command, name) => testConnection(deps, command, name),
    noteExport: (command) => noteExport(deps, command),
    meterUsage: () => deps.metering.work(),
    reportUsage: (lane) => deps.metering.report(lane),
    startDueOperations: (limit) => startDueOperations(deps, limit),
    startDueDatabases: async (limit) => (await deps.databases?.settleDue(limit)) ?? [],
    watchDatabases: async () => {
      if (givesDatabases(deps)) await deps.databases?.watch();
    },
    startDueMoves: async (limit) => (await deps.databases?.moveDue(limit)) ?? [],
    tellProduct: (call) => tellProduct(deps, call),
    tellCustomer: (call) => tellCustomer(deps, call),
    sweep: () => sweep(deps),
    startRotations: (limit) => startRotations(deps, limit),
    followRotations: () => followRotations(deps),
    anchorAudit: () => anchorAudit(deps.store, deps.auditKey, deps.clock.now()),
  };
}
