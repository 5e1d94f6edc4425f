import type { GetQueueAttributesCommandOutput } from "@aws-sdk/client-sqs";
import type { Called, Caller } from "../api/call.ts";
import { type AwsFinding, fault, ok, warning } from "./finding.ts";

const CHECK = "aws-events";
const CHECK_MS = 8_000;
const SOURCE = "aws.agreement-marketplace";

interface QueueFacts {
  readonly arn: string;
  readonly waiting: number;
  /** ARN of the dead-letter queue, if there is one. */
  readonly deadLetters: string | undefined;
}

/** The queue of events, the queue of what could not be taken, and the rule that fills the first. */
export async function checkQueue(caller: Caller, queueUrl: string): Promise<AwsFinding[]> {
  const called = await attributesOf(caller, queueUrl, queueUrl);
  if (called.kind !== "found") return [notReached(called)];
  const facts = factsOf(called.value);
  const [dead, rule] = await Promise.all([
    checkDeadLetters(caller, queueUrl, facts),
    checkRule(caller, queueUrl, facts),
  ]);
  return [ok(CHECK, `the queue answers, ${facts.waiting} messages waiting`), dead, rule];
}

function attributesOf(caller: Caller, clientUrl: string, url: string) {
  return caller.call({ ms: CHECK_MS }, async (signal) => {
    const { GetQueueAttributesCommand } = await import("@aws-sdk/client-sqs");
    const client = await caller.clients.queue(clientUrl);
    const command = new GetQueueAttributesCommand({
      QueueUrl: url,
      AttributeNames: ["QueueArn", "ApproximateNumberOfMessages", "RedrivePolicy"],
    });
    return client.send(command, { abortSignal: signal });
  });
}

function factsOf({ Attributes = {} }: GetQueueAttributesCommandOutput): QueueFacts {
  const redrive = /"deadLetterTargetArn"\s*:\s*"([^"]+)"/.exec(Attributes["RedrivePolicy"] ?? "");
  return {
    arn: Attributes["QueueArn"] ?? "",
    waiting: Number(Attributes["ApproximateNumberOfMessages"] ?? 0),
    deadLetters: redrive?.[1],
  };
}

function notReached(called: Exclude<Called<unknown>, { kind: "found" }>): AwsFinding {
  const why = "code" in called ? called.code : called.kind === "down" ? called.fault : "throttled";
  return fault(
    CHECK,
    `the queue cannot be read: ${why}`,
    "Look at AWS_EVENTS_QUEUE_URL, and allow sqs:GetQueueAttributes.",
  );
}

async function checkDeadLetters(caller: Caller, queueUrl: string, { deadLetters }: QueueFacts): Promise<AwsFinding> {
  if (deadLetters === undefined) {
    return warning(
      CHECK,
      "the queue has no dead-letter queue",
      "Give it one: an event that cannot be taken is lost after days.",
    );
  }
  const [, , , , owner, name] = deadLetters.split(":");
  const found = await caller.call({ ms: CHECK_MS }, async (signal) => {
    const { GetQueueUrlCommand } = await import("@aws-sdk/client-sqs");
    const client = await caller.clients.queue(queueUrl);
    const command = new GetQueueUrlCommand({ QueueName: name, QueueOwnerAWSAccountId: owner });
    return client.send(command, { abortSignal: signal });
  });
  const url = found.kind === "found" ? found.value.QueueUrl : undefined;
  const called = url === undefined ? undefined : await attributesOf(caller, queueUrl, url);
  if (called?.kind !== "found") {
    return warning(
      CHECK,
      "the dead-letter queue cannot be looked at",
      "Allow sqs:GetQueueUrl and sqs:GetQueueAttributes on it.",
    );
  }
  const { waiting } = factsOf(called.value);
  if (waiting === 0) return ok(CHECK, "the dead-letter queue is empty");
  return fault(
    CHECK,
    `${waiting} events could not be taken`,
    "Look at them in the dead-letter queue, and redrive them to the queue.",
  );
}

async function checkRule(caller: Caller, queueUrl: string, { arn }: QueueFacts): Promise<AwsFinding> {
  const called = await caller.call({ ms: CHECK_MS }, async (signal) => {
    const { DescribeRuleCommand, ListRuleNamesByTargetCommand } = await import("@aws-sdk/client-eventbridge");
    const client = await caller.clients.rules(queueUrl);
    const send = { abortSignal: signal };
    const { RuleNames = [] } = await client.send(new ListRuleNamesByTargetCommand({ TargetArn: arn, Limit: 20 }), send);
    return Promise.all(RuleNames.map((Name) => client.send(new DescribeRuleCommand({ Name }), send)));
  });
  if (called.kind !== "found") {
    const right = "events:ListRuleNamesByTarget and events:DescribeRule";
    return warning(CHECK, "the rule of EventBridge cannot be looked at", `Allow ${right}, or look yourself.`);
  }
  const ours = called.value.filter(({ EventPattern }) => EventPattern?.includes(SOURCE));
  if (ours.some(({ State }) => State?.startsWith("ENABLED")))
    return ok(CHECK, "a rule of EventBridge sends events there");
  if (ours.length > 0)
    return fault(CHECK, "the rule of EventBridge is disabled", "Enable it: no purchase is heard of until then.");
  return warning(
    CHECK,
    "no rule of EventBridge in the queue's region sends events there",
    "Create the stack of deploy/aws/stallholder-marketplace.json. Older listings, and rules in other regions, are no matter here.",
  );
}
