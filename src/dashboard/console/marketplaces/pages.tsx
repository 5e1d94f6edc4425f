import type { Request, RequestHandler, Response } from "express";
import { ProviderError } from "../../../errors.ts";
import { formToken } from "../../own-forms.ts";
import { sendPage } from "../../send-page.ts";
import { ConsolePage } from "../frame.tsx";
import { type ConsoleParts, crossing, may, personOf } from "../parts.ts";
import { checkInTime } from "./check-in-time.ts";
import { type Checked, MarketplacesPage } from "./marketplaces-page.tsx";
import { compareManifest, readCalls } from "./read.ts";

/** The last steps of the routes. */
export function marketplacePages(parts: ConsoleParts) {
  const { marketplaces, clock, settingsSet } = parts;
  const names = [...marketplaces.keys()];

  const show = async (request: Request, response: Response, reason: string, checked?: Checked) => {
    const [calls, compared] = await Promise.all([
      readCalls(crossing(parts, request, reason), names),
      compareManifest(parts),
    ]);
    const shown = {
      compared,
      checked,
      now: clock.now(),
      token: formToken(request),
      marketplaces: names.map((name) => ({
        name,
        calls: calls[name] ?? { heard: null, told: null },
        settings: settingsSet.filter((setting) => setting.startsWith(`${name.toUpperCase().replaceAll("-", "_")}_`)),
        checks: marketplaces.get(name)?.check !== undefined && may(personOf(request), "operator"),
      })),
    };
    sendPage(
      response,
      <ConsolePage parts={parts} request={request} title="Marketplaces" section="/console/marketplaces">
        <MarketplacesPage {...shown} />
      </ConsolePage>,
    );
  };

  const overview: RequestHandler = (request, response) => show(request, response, "looked at the marketplaces");

  const check: RequestHandler = async (request, response) => {
    const name = String(request.params["name"]);
    const asked = marketplaces.get(name)?.check;
    if (asked === undefined) throw new ProviderError("route_not_found", "There is no such marketplace to ask.");
    const findings = await checkInTime(name, asked);
    await show(request, response, `tested the connection to ${name}`, { name, findings });
  };

  return { overview, check };
}
