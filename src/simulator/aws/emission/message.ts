import type { JsonObject } from "../../json.ts";

export type Channel = "eventbridge" | "sns";

/** Something that happened, in the words of the channel that tells it. */
export interface Draft {
  readonly channel: Channel;
  /** The agreement's id. */
  readonly about: string;
  readonly type: string;
  readonly topic: string | null;
  readonly body: JsonObject;
}

export interface Message extends Draft {
  readonly id: string;
  readonly createdAt: Date;
  /** What is sent: the event itself, or SNS's envelope around the notice. */
  readonly text: string;
  /** `kept`: no way out was open. `held`: the topic's subscription is not confirmed. `queued`: only the queue has it. */
  state: "waiting" | "delivered" | "retrying" | "failed" | "dropped" | "queued" | "held" | "kept";
  attempts: number;
  /** Of the last answer. */
  status: number | null;
}
