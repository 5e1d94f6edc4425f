import { type Response, Router } from "express";
import { asJsonObject, isJsonObject, type JsonObject, textIn } from "../../json.ts";
import { accountOf, judgeSession } from "../access/assumption.ts";
import { judgeDatabaseLogin } from "../access/database-login.ts";
import { isRole, type Role } from "../access/role.ts";
import { rolesOf } from "../access/template.ts";
import { SELLER_ACCOUNT } from "../model/accounts.ts";
import type { Aws } from "../model/world.ts";
import { HOME_REGION } from "../wire/regions.ts";

/** Roles come from a template or as policies; what a session of one may do is asked here. */
export function roleRoutes(aws: Aws): Router {
  const router = Router();
  router.get("/_aws/roles", (_request, response) => {
    response.json([...aws.state.roles.values()]);
  });
  router.post("/_aws/roles", (request, response) => {
    const roles = rolesIn(asJsonObject(request.body));
    if (typeof roles === "string") return void refuse(response, 400, roles);
    for (const role of roles) aws.state.roles.set(role.arn, role);
    response.json({ roles: roles.map(({ arn }) => arn) });
  });
  router.post("/_aws/judge", (request, response) => judge(aws, asJsonObject(request.body), response));
  router.post("/_aws/rds/login", (request, response) => {
    const [token, user, cluster] = ["token", "user", "cluster"].map((name) => textIn(asJsonObject(request.body), name));
    if (token === undefined || user === undefined || cluster === undefined)
      return void refuse(response, 400, "Say a token, a user and the resource id of a cluster.");
    response.json(judgeDatabaseLogin(aws, { token, user, cluster }));
  });
  return router;
}

/** `{arn, trust, policies, tags}`, or `{template, parameters, account, region}` as CloudFormation would deploy it. */
function rolesIn(body: JsonObject): readonly Role[] | string {
  const { template, parameters, trust, policies = [], tags = {} } = body;
  if (isJsonObject(template)) {
    const account = textIn(body, "account") ?? SELLER_ACCOUNT;
    const region = textIn(body, "region") ?? HOME_REGION;
    return rolesOf(template, { account, region, parameters: asJsonObject(parameters) });
  }
  const role = { arn: textIn(body, "arn") ?? "", trust, policies, tags };
  const usable =
    Array.isArray(role.policies) && isJsonObject(role.tags) && isRole({ ...role, policies: role.policies });
  if (!usable) return "A role has an arn, a trust policy and policies that can be judged.";
  return [role as Role];
}

/** What the credentials that AssumeRole gave out may do, until they expire. */
function judge({ state, clock }: Aws, body: JsonObject, response: Response): void {
  const [key, action, resource] = ["access_key_id", "action", "resource"].map((name) => textIn(body, name));
  const found = state.sessions.get(key ?? "");
  if (found === undefined) return void refuse(response, 404, "These credentials were not given out here.");
  if (action === undefined || resource === undefined)
    return void refuse(response, 400, "Say an action and a resource.");
  const { session, expiresAt } = found;
  const expired = expiresAt <= clock.now();
  const decision = expired
    ? { allowed: false, because: "expired" }
    : judgeSession(session, action, resource, contextIn(body));
  response.json({ ...decision, account: accountOf(session.role.arn), tags: session.tags });
}

function contextIn(body: JsonObject): Readonly<Record<string, string | readonly string[]>> {
  const entries = Object.entries(asJsonObject(body["context"]));
  return Object.fromEntries(
    entries.map(([key, value]) => [key, Array.isArray(value) ? value.map(String) : String(value)]),
  );
}

function refuse(response: Response, status: number, message: string): void {
  response.status(status).json({ id: status === 404 ? "not_found" : "bad_request", message });
}
