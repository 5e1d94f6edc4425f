import { type Request, type Response, Router } from "express";
import type { SimulatorClock } from "./clock.ts";
import { parseDuration } from "./durations.ts";
import { type Faults, isFaultName, parseFaultSetting } from "./faults.ts";
import type { Journal } from "./journal.ts";
import { asJsonObject, type JsonObject, textIn } from "./json.ts";

export interface Controls {
  readonly clock: SimulatorClock;
  readonly faults: Faults;
  readonly journal: Journal;
  /** Back to the first minute: no purchases, no faults, real time. */
  readonly resetAll: () => void;
}

/** The addresses that turn the simulator's own knobs. Each takes JSON, or a form of the page (answered by 303). */
export function controlRoutes(controls: Controls): Router {
  const { clock, faults, journal } = controls;
  const router = Router();
  const time = () => ({ now: clock.now().toISOString() });

  router.get("/_clock", (_request, response) => void response.json(time()));
  router.post("/_clock", (request, response) => {
    const problem = turnClock(clock, asJsonObject(request.body));
    answer(request, response, problem, time());
  });
  router.get("/_faults", (_request, response) => void response.json(faults.all()));
  router.post("/_faults", (request, response) => {
    const body = asJsonObject(request.body);
    const problem = setFaults(faults, isForm(request) ? fromForm(body) : body);
    answer(request, response, problem, faults.all());
  });
  router.get("/_exchanges", (_request, response) => void response.json(journal.exchanges()));
  router.get("/_verdicts", (_request, response) => void response.json(journal.verdicts()));
  router.post("/_reset", (request, response) => {
    controls.resetAll();
    answer(request, response, undefined, { reset: true });
  });
  return router;
}

export function isForm(request: Request): boolean {
  return request.is("application/x-www-form-urlencoded") !== false;
}

function answer(request: Request, response: Response, problem: string | undefined, body: object): void {
  if (problem !== undefined) response.status(400).json({ id: "bad_request", message: problem });
  else if (isForm(request)) response.redirect(303, "/");
  else response.json(body);
}

/** Turns the clock as asked; the answer is what was wrong with the request. */
function turnClock(clock: SimulatorClock, body: JsonObject): string | undefined {
  const advance = textIn(body, "advance");
  const now = textIn(body, "now");
  if (body["reset"] === true || body["reset"] === "true") {
    clock.reset();
    return undefined;
  }
  if (advance !== undefined) return advanceClock(clock, advance);
  if (now === undefined) return 'Say {"advance": "1h"}, {"now": "2026-05-10T10:00:00Z"} or {"reset": true}.';
  const instant = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(now) ? now : `${now}Z`);
  if (Number.isNaN(instant.getTime())) return `${now} is not a time.`;
  clock.set(instant);
  return undefined;
}

function advanceClock(clock: SimulatorClock, text: string): string | undefined {
  const ms = parseDuration(text);
  if (ms === undefined || Number.isNaN(clock.in(ms).getTime()))
    return `${text} is not a duration such as 90s, 1h, 2d or PT1H.`;
  clock.advance(ms);
  return undefined;
}

/** All or nothing: one bad setting changes none. */
function setFaults(faults: Faults, body: JsonObject): string | undefined {
  const settings = Object.entries(body).map(([name, written]) => {
    if (!isFaultName(name)) return `There is no fault ${name}.`;
    const setting = parseFaultSetting(name, written);
    return setting === undefined ? `The setting of ${name} is not usable.` : { name, setting };
  });
  const problem = settings.find((setting) => typeof setting === "string");
  if (problem !== undefined) return problem;
  for (const setting of settings) if (typeof setting === "object") faults.set(setting.name, setting.setting);
  return undefined;
}

/** The page sends one fault: its name, its number, how many times, and whether it is switched on. */
function fromForm(form: JsonObject): JsonObject {
  const name = textIn(form, "fault") ?? "";
  if (form["switch"] !== "on") return { [name]: false };
  const value = textIn(form, "value");
  const times = textIn(form, "times");
  return { [name]: { ...(value && { value: Number(value) }), ...(times && { times: Number(times) }) } };
}
