import { shortenedSecret } from "../../secrets.ts";
import type { Agreement } from "../model/agreement.ts";
import { giveToken } from "../model/agreements.ts";
import type { Aws } from "../model/world.ts";

const LIMIT_MS = 30_000;

/** The fields that the buyer's browser posts to the provider. */
export function registrationFields(agreement: Agreement, token: string): Readonly<Record<string, string>> {
  return {
    "x-amzn-marketplace-token": token,
    "x-amzn-marketplace-agreement-id": agreement.id,
    "x-amzn-marketplace-product-id": agreement.product.id,
    ...(agreement.trialDays !== null && { "x-amzn-marketplace-offer-type": "free-trial" }),
  };
}

export interface Fulfilment {
  /** null = the provider did not answer. */
  readonly status: number | null;
  readonly location: string | null;
}

export function registrationUrl({ providerOrigin }: Aws): string | undefined {
  return providerOrigin === undefined ? undefined : `${providerOrigin}/aws/register`;
}

/** Posts the form as the buyer's browser would, with a fresh token unless one is given. */
export async function register(aws: Aws, agreement: Agreement, given?: string): Promise<Fulfilment> {
  const url = registrationUrl(aws);
  if (url === undefined) return { status: null, location: null };
  const token = given ?? giveToken(aws, agreement);
  const fields = registrationFields(agreement, token);
  const headers = { "content-type": "application/x-www-form-urlencoded", origin: "https://aws.amazon.com" };
  const exchange = aws.journal.begin({
    direction: "to-provider",
    about: agreement.id,
    method: "POST",
    url,
    request: { headers, body: { ...fields, "x-amzn-marketplace-token": shortenedSecret(token) } },
  });
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(LIMIT_MS), aws.stopping]);
    const body = new URLSearchParams(fields).toString();
    const answer = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    const page = await answer.text();
    exchange.end({ status: answer.status, headers: Object.fromEntries(answer.headers), body: page });
    blameRegistration(aws, token, answer, exchange.id);
    return { status: answer.status, location: answer.headers.get("location") };
  } catch (thrown) {
    exchange.end({ failure: `no answer: ${String(thrown)}` });
    return { status: null, location: null };
  }
}

/** AWS's list for going live: the token is in no cookie and no address. */
function blameRegistration({ journal }: Aws, token: string, { headers }: Response, exchange: number): void {
  const kept = [token, encodeURIComponent(token), new URLSearchParams({ t: token }).toString().slice(2)];
  const holds = (text: string): boolean => kept.some((one) => text.includes(one));
  if (holds(headers.get("location") ?? ""))
    journal.blame("aws_token_in_url", "The registration token was put into an address: it ends up in logs.", exchange);
  if (headers.getSetCookie().some(holds))
    journal.blame("aws_token_in_cookie", "The registration token was put into a cookie.", exchange);
}
