import { type AwsFinding, ok, warning, yours } from "./finding.ts";

interface GoLive {
  readonly publicUrl: string;
  readonly support: string | undefined;
  readonly models: readonly string[];
  /** Ways by which AWS's messages come. */
  readonly ways: readonly ("queue" | "events" | "topics")[];
}

const CHECK = "aws-go-live";

/** What AWS looks at before a listing goes public (seller guide, SaaS guidelines and checklist), and what of it is sure. */
export function goLiveList({ publicUrl, support, models, ways }: GoLive): AwsFinding[] {
  return [
    publicUrl.startsWith("https:")
      ? ok(CHECK, `the fulfilment URL is ${publicUrl}/aws/register`)
      : warning(CHECK, "the fulfilment URL must be https", "Set PUBLIC_URL."),
    support === undefined
      ? warning(
          CHECK,
          "no support contact on the pages",
          "Set catalog.marketplaces.aws.support in addon-manifest.json.",
        )
      : ok(CHECK, `buyers are shown ${support} for help`),
    ok(CHECK, "buyers see the state of their subscription, their usage and what the contract includes"),
    ok(CHECK, "no payment data is asked for; the token is in no URL, cookie or log"),
    ways.length > 0
      ? ok(CHECK, `messages of AWS come by ${ways.join(" and ")}`)
      : warning(
          CHECK,
          "no way for AWS's messages",
          "Set AWS_EVENTS_QUEUE_URL; for listings with SNS AWS_SNS_TOPIC_ARNS.",
        ),
    ...(ways.includes("topics")
      ? [yours(CHECK, "the topics are subscribed to the queue or to /aws/sns, and confirmed")]
      : []),
    ...models.map(callsOf),
    yours(CHECK, "at least one dimension costs more than 0, and everything is billed through listed dimensions"),
    yours(CHECK, "no page steers to another cloud or sells more outside AWS Marketplace"),
    yours(CHECK, "a part of the application runs in an AWS account of yours"),
    yours(CHECK, "a second account has bought, used, cancelled and tried a token twice; its bill shows the usage"),
    yours(CHECK, "the seller's reports arrive, and `stallholder reconcile aws` finds no difference"),
  ];
}

function callsOf(model: string): AwsFinding {
  const calls: Readonly<Record<string, string>> = {
    contract: "GetEntitlements has been called for a test purchase",
    subscription: "usage of a test purchase was accepted: `stallholder usage` shows it",
  };
  return yours(CHECK, `${model}: ${calls[model] ?? `${calls["contract"]}, and ${calls["subscription"]}`}`);
}
