import type { AwsAccess } from "../api/access.ts";
import type { Called, Caller } from "../api/call.ts";
import { type AwsFinding, fault, ok, warning } from "./finding.ts";

const CHECK = "aws";
const CHECK_MS = 8_000;
/** A token that nobody has: AWS says so to whoever may ask. */
const NO_TOKEN = "stallholder-doctor";

/** Who we are to AWS, and whether that one may do what selling takes. Nothing is changed or metered by asking. */
export async function checkAccess(caller: Caller, access: AwsAccess): Promise<AwsFinding[]> {
  const identity = await caller.call({ ms: CHECK_MS }, (signal) => whoAmI(caller, access, signal));
  if (identity.kind !== "found") return [credentialFinding(identity)];
  const found = ok(CHECK, `signs as account ${identity.value}${access.sellerRole ? ", in the seller's role" : ""}`);
  const rights = await Promise.all([mayResolve(caller, access), mayMeter(caller, access), maySearch(caller)]);
  return [found, ...rights];
}

async function whoAmI(caller: Caller, access: AwsAccess, signal: AbortSignal): Promise<string> {
  const { GetCallerIdentityCommand } = await import("@aws-sdk/client-sts");
  const client = await caller.clients.identity(access.region);
  const { Account } = await client.send(new GetCallerIdentityCommand({}), { abortSignal: signal });
  return Account ?? "unknown";
}

function credentialFinding(called: Exclude<Called<unknown>, { kind: "found" }>): AwsFinding {
  if (called.kind === "throttled") return warning(CHECK, "AWS is throttling", "Ask again in a minute.");
  if (called.kind === "down") {
    return fault(
      CHECK,
      `AWS cannot be reached: ${called.fault}`,
      "Look at the network, and at AWS_ENDPOINT_URL if it is set.",
    );
  }
  return fault(
    CHECK,
    `the credentials do not work: ${called.code}`,
    "Give the SDK credentials of the seller's account, or AWS_SELLER_ROLE_ARN and AWS_SELLER_EXTERNAL_ID of the stack's role.",
  );
}

async function mayResolve(caller: Caller, { region }: AwsAccess): Promise<AwsFinding> {
  const called = await caller.call({ ms: CHECK_MS }, async (signal) => {
    const { ResolveCustomerCommand } = await import("@aws-sdk/client-marketplace-metering");
    const client = await caller.clients.metering(region);
    return client.send(new ResolveCustomerCommand({ RegistrationToken: NO_TOKEN }), { abortSignal: signal });
  });
  return rightFinding(called, "aws-marketplace:ResolveCustomer", `resolves buyers in ${region}`);
}

/** Of no records: whoever may meter is told that there are none, or nothing. */
async function mayMeter(caller: Caller, { region }: AwsAccess): Promise<AwsFinding> {
  const called = await caller.call({ ms: CHECK_MS }, async (signal) => {
    const { BatchMeterUsageCommand } = await import("@aws-sdk/client-marketplace-metering");
    const client = await caller.clients.metering(region);
    return client.send(new BatchMeterUsageCommand({ UsageRecords: [] }), { abortSignal: signal });
  });
  return rightFinding(called, "aws-marketplace:BatchMeterUsage", `meters usage in ${region}`);
}

async function maySearch(caller: Caller): Promise<AwsFinding> {
  const called = await caller.call({ ms: CHECK_MS }, async (signal) => {
    const { SearchAgreementsCommand } = await import("@aws-sdk/client-marketplace-agreement");
    const client = await caller.clients.agreements();
    const filters = [
      { name: "PartyType", values: ["Proposer"] },
      { name: "AgreementType", values: ["PurchaseAgreement"] },
    ];
    const command = new SearchAgreementsCommand({ catalog: "AWSMarketplace", filters, maxResults: 1 });
    return client.send(command, { abortSignal: signal });
  });
  const finding = rightFinding(called, "aws-marketplace:SearchAgreements", "sees agreements");
  return finding.verdict === "fault" ? { ...finding, verdict: "warning" } : finding;
}

/** AWS looks at the right before it looks at what was asked: any other refusal shows that the right is there. */
function rightFinding(called: Called<unknown>, right: string, says: string): AwsFinding {
  switch (called.kind) {
    case "found":
    case "refused":
      return ok(CHECK, says);
    case "misconfigured":
      return called.code.startsWith("DisabledApi")
        ? fault(
            CHECK,
            `${right}: not served in this region`,
            "Set AWS_REGION to one where AWS Marketplace meters, such as us-east-1.",
          )
        : fault(
            CHECK,
            `${right}: ${called.code}`,
            "Allow it: deploy/aws/stallholder-marketplace.json has all that is needed.",
          );
    case "throttled":
      return warning(CHECK, `${right}: throttled`, "Ask again in a minute.");
    case "down":
      return warning(CHECK, `${right}: ${called.fault}`, "Ask again in a minute.");
  }
}
