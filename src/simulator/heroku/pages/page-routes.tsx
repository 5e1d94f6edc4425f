import { type Request, type Response, Router } from "express";
import { asJsonObject, type JsonObject, textIn } from "../../json.ts";
import { Document, renderDocument } from "../../page/html.tsx";
import { findAddon, isLive } from "../model/addons.ts";
import { invalid, isRefusal, notFound, type Refusal } from "../model/answers.ts";
import { findApp, findOrCreateApp, personOf } from "../model/apps.ts";
import type { Addon, Platform } from "../model/platform.ts";
import { buy } from "../purchase/buy.ts";
import { changePlan } from "../purchase/change-plan.ts";
import { remove } from "../purchase/remove.ts";
import { type SignInForm, signInForm } from "../sso.ts";

/** The forms of the page, answered by 303 with a notice, and the page that signs a customer in. */
export function pageRoutes(platform: Platform): Router {
  const router = Router();
  router.post("/_heroku/buy", async (request, response) => {
    const form = asJsonObject(request.body);
    const addon = await buyFromForm(platform, form);
    show(platform, response, addon, (bought) => `Bought ${bought.name}.`);
  });
  router.post("/_heroku/addons/:addon/plan", async (request, response) => {
    const plan = textIn(asJsonObject(request.body), "plan") ?? "";
    const addon = liveAddon(platform, request);
    const changed = isRefusal(addon) ? addon : await changePlan(platform, addon, plan);
    show(platform, response, changed, ({ name }) => `${name} is on ${plan} now.`);
  });
  router.post("/_heroku/addons/:addon/remove", async (request, response) => {
    const addon = liveAddon(platform, request);
    const removed = isRefusal(addon) ? addon : await remove(platform, addon, true);
    show(platform, response, removed, ({ name }) => `Removed ${name}.`);
  });
  router.get("/sso/:addon", (request, response) => {
    const addon = liveAddon(platform, request);
    if (isRefusal(addon)) response.status(404).type("html").send(missingPage());
    else response.type("html").send(signInPage(platform, addon, asJsonObject(request.query)));
  });
  return router;
}

function show(platform: Platform, response: Response, result: Addon | Refusal, words: (addon: Addon) => string): void {
  platform.state.notice = isRefusal(result) ? result.message : words(result);
  response.redirect(303, "/");
}

function liveAddon({ state }: Platform, request: Request): Addon | Refusal {
  const addon = findAddon(state, String(request.params["addon"]));
  return addon && isLive(addon) ? addon : notFound("add_on");
}

async function buyFromForm(platform: Platform, form: JsonObject): Promise<Addon | Refusal> {
  const app = findOrCreateApp(platform, textIn(form, "app") ?? "");
  if (app === undefined) return invalid("An app's name has 3 to 30 lower-case letters, digits and -.");
  return buy(platform, {
    app,
    plan: textIn(form, "plan") ?? "",
    name: textIn(form, "name"),
    attachAs: textIn(form, "as"),
    confirm: undefined,
    options: parseOptions(textIn(form, "options") ?? ""),
  });
}

/** `name=value` a line; a bare name is a switch. */
function parseOptions(text: string): JsonObject {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim().replace(/^--/, ""))
    .filter((line) => line !== "");
  const pairs = lines.map((line) => /^([^=]+)(?:=(.*))?$/.exec(line)).filter((match) => match !== null);
  return Object.fromEntries(pairs.map((match) => [match[1] ?? "", match[2] ?? "true"]));
}

/** `app` names the app the customer comes from, `user` (an e-mail address) who it is; the owner if absent. */
function signInPage(platform: Platform, addon: Addon, query: JsonObject): string {
  const from = findApp(platform.state, textIn(query, "app") ?? "") ?? addon.app;
  const email = textIn(query, "user");
  const person = email === undefined ? addon.app.owner : personOf(platform.state, email);
  const form = signInForm(platform, { addon, from, person });
  return renderDocument(<SignInPage name={addon.name} form={form} />);
}

function SignInPage({ name, form }: { name: string; form: SignInForm }) {
  return (
    <Document title={`Opening ${name}`} script="submit.js">
      <main class="sign-in">
        <h1>Opening {name}…</h1>
        <form method={form.method} action={form.action}>
          {Object.entries(form.params).map(([field, value]) => (
            <input type="hidden" name={field} value={value} />
          ))}
          <p>You are being signed in to the add-on.</p>
          <button class="main" type="submit">
            Continue
          </button>
        </form>
      </main>
    </Document>
  );
}

function missingPage(): string {
  return renderDocument(
    <Document title="No such add-on">
      <main class="sign-in">
        <h1>There is no such add-on.</h1>
        <p>
          <a href="/">Back to the simulator</a>
        </p>
      </main>
    </Document>,
  );
}
