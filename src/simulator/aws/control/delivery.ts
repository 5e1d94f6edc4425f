import type { JsonObject } from "../../json.ts";
import type { Delivery } from "../model/world.ts";

const SWITCHES = ["eventbridge", "sns", "queue"] as const;

export function usualDelivery(): Delivery {
  return { eventbridge: true, sns: true, queue: false, snsForm: "wrapped", signatureVersion: "1" };
}

/** Changes what is named; what was wrong with the request, if anything, and then nothing is changed. */
export function changeDelivery(delivery: Delivery, body: JsonObject): string | undefined {
  const snsForm = body["sns_form"] ?? delivery.snsForm;
  const signatureVersion = body["signature_version"] ?? delivery.signatureVersion;
  if (snsForm !== "wrapped" && snsForm !== "raw" && snsForm !== "object") return "sns_form is wrapped, raw or object.";
  if (signatureVersion !== "1" && signatureVersion !== "2") return 'signature_version is "1" or "2".';
  const switches = SWITCHES.map((name) => [name, body[name] ?? delivery[name]] as const);
  if (!switches.every(([, value]) => typeof value === "boolean")) return `${SWITCHES.join(", ")} are true or false.`;
  Object.assign(delivery, Object.fromEntries(switches), { snsForm, signatureVersion });
  return undefined;
}
