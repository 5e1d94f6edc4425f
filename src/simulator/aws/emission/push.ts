import { DAY_MS } from "../../durations.ts";
import type { Aws } from "../model/world.ts";
import type { Channel, Message } from "./message.ts";
import { post } from "./post.ts";

interface Patience {
  readonly tries: number;
  readonly forMs: number;
  readonly longestPauseMs: number;
  /** 4xx answers that are tried again; all others are final. */
  readonly again: readonly number[];
}

/** As the two services document it; the pauses run on the simulator's clock. */
const PATIENCE: Readonly<Record<Channel, Patience>> = {
  eventbridge: { tries: 185, forMs: DAY_MS, longestPauseMs: 600_000, again: [401, 407, 409, 429] },
  sns: { tries: 50, forMs: DAY_MS, longestPauseMs: 20_000, again: [429] },
};
const FIRST_PAUSE_MS = 1_000;

/** One attempt now, and further ones while the provider is down or says that it cannot. */
export async function push(aws: Aws, message: Message): Promise<void> {
  const { state } = aws;
  const patience = PATIENCE[message.channel];
  message.attempts += 1;
  const status = await post(aws, message);
  if (aws.state !== state || aws.stopping.aborted) return;
  message.status = status;
  if (status !== null && status < 300) message.state = "delivered";
  else if (hopeful(aws, message, patience, status)) retryLater(aws, message, patience);
  else message.state = "failed";
}

function hopeful({ clock }: Aws, message: Message, patience: Patience, status: number | null): boolean {
  if (message.attempts >= patience.tries) return false;
  if (clock.now().getTime() > message.createdAt.getTime() + patience.forMs) return false;
  return status === null || status >= 500 || patience.again.includes(status);
}

function retryLater(aws: Aws, message: Message, { longestPauseMs }: Patience): void {
  message.state = "retrying";
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** (message.attempts - 1), longestPauseMs);
  aws.clock.at(aws.clock.in(pause), () => void push(aws, message));
}
