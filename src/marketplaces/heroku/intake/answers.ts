import type { Request, Response } from "express";
import { answerText, JSON_TYPE } from "../../../http/answer.ts";
import type { Outcome, Provisioned } from "../../../provider/contract.ts";

export const VENDOR_TYPE = "application/vnd.heroku-addons+json; version=3";

/** Always JSON, whatever `Accept` says; under the vendor's name for a caller that asks for it. */
export function contentTypeFor(req: Request): typeof JSON_TYPE | typeof VENDOR_TYPE {
  return req.headers.accept?.includes("application/vnd.heroku-addons+json") ? VENDOR_TYPE : JSON_TYPE;
}

/** 200 with the config vars, or 202: they will be pushed. Equal outcomes give equal bytes. */
export function answerProvisioned(req: Request, res: Response, service: string, outcome: Outcome<Provisioned>): void {
  const { tenant, config, message } = outcome.value;
  if (outcome.kind === "done") answer(req, res, 200, { id: tenant.id, config: sorted(config), message });
  else answer(req, res, 202, { id: tenant.id, message: `${service} is being set up. Its config vars will follow.` });
}

/** As `answerProvisioned`. A repeat carries the config vars too: the first answer may have been lost. */
export function answerPlanChanged(req: Request, res: Response, service: string, outcome: Outcome<Provisioned>): void {
  const { config, message } = outcome.value;
  if (outcome.kind === "done") answer(req, res, 200, { config: sorted(config), message });
  else answer(req, res, 202, { message: `${service} is changing the plan. The config vars will follow.` });
}

function answer(req: Request, res: Response, status: number, body: object): void {
  res.setHeader("Cache-Control", "no-store");
  answerText(res, status, contentTypeFor(req), JSON.stringify(body));
}

function sorted(config: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(config).sort(([left], [right]) => (left < right ? -1 : 1)));
}
