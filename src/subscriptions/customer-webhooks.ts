import { cloudEvent, type Speaker, type ToldEvent } from "../events/envelope.ts";
import type { Reach } from "./address.ts";
import type { Attempt } from "./attempt.ts";
import { isLastAttempt, waitAfter } from "./schedule.ts";
import { sendOverHttp } from "./send-http.ts";
import { checkedUrl } from "./wishes.ts";

/** An address of a customer's own, which hears of that tenant alone. */
interface Webhook {
  readonly url: string;
  readonly secret: string;
  /** This attempt, counted from 1. */
  readonly attempt: number;
}

type Sent =
  | { readonly outcome: "delivered"; readonly status?: number }
  | { readonly outcome: "retry"; readonly fault: string; readonly status?: number; readonly afterSeconds: number }
  | { readonly outcome: "given_up"; readonly fault: string; readonly status?: number };

/** Shorter than the vendor's endpoints have: any customer may give an address that never answers. */
const LIMIT_MS = 5_000;
/** Of all at once, so that they leave places to what marketplaces are owed. */
const AT_ONCE = 3;
const FULL_SECONDS = 10;

/** Judges and keeps to the same rules as endpoints: signed, no redirects, nothing private, now or later. */
export function customerWebhooks({ reach, speaker }: { readonly reach: Reach; readonly speaker: Speaker }) {
  let underWay = 0;
  return {
    check: (url: string): Promise<string> => checkedUrl(url, reach),
    send: async ({ url, secret, attempt }: Webhook, event: ToldEvent): Promise<Sent> => {
      if (underWay >= AT_ONCE) return { outcome: "retry", fault: "Others are being told.", afterSeconds: FULL_SECONDS };
      underWay += 1;
      try {
        const to = { url, secrets: [secret], reach, limitMs: LIMIT_MS };
        return sentBy(await sendOverHttp(to, cloudEvent(speaker, event)), attempt);
      } finally {
        underWay -= 1;
      }
    },
  };
}

function sentBy(came: Attempt, attempt: number): Sent {
  if (came.outcome === "delivered") return came;
  const { fault, status } = came;
  const said = { fault, ...(status !== undefined && { status }) };
  if (came.outcome === "retry" && !isLastAttempt(attempt)) {
    return { outcome: "retry", afterSeconds: waitAfter(attempt, came.askedSeconds), ...said };
  }
  return { outcome: "given_up", ...said };
}
