import { type AwsAccess, createAwsAccess } from "../../src/isolation/aws/aws.ts";
import { type Simulator, startSimulator } from "../../src/simulator/simulator.ts";
import type { TestClock } from "./clock.ts";
import { CLIENT_SECRET, sampleManifest } from "./sample-manifest.ts";
import { ENVIRONMENT, template } from "./tenant-role.ts";

type Json = ReturnType<typeof JSON.parse>;

/** The simulator's AWS with the printed template deployed, and what the service has of it. */
export interface Vendor {
  readonly simulator: Simulator;
  readonly aws: AwsAccess;
  post(path: string, body: unknown): Promise<Json>;
  /** Its clock stands where ours does. */
  follow(): Promise<void>;
  close(): Promise<void>;
}

export const BUCKET = `arn:aws:s3:::${ENVIRONMENT}-tenants-993604559884-us-east-1`;

export async function openVendor(
  clock: TestClock,
  more: { limitMs?: number; tenantRoleArn?: string } = {},
): Promise<Vendor> {
  const stack = { template: template("cloudformation", "pool"), parameters: { DatabaseResourceId: "cluster-A1" } };
  const simulator = await startSimulator({
    port: 0,
    manifest: sampleManifest,
    clientSecret: CLIENT_SECRET,
    aws: { stack },
  });
  const { endpoint, keys, region, tenantRoleArn } = simulator.aws;
  const aws = createAwsAccess({ endpoint, keys, region, tenantRoleArn, environment: ENVIRONMENT, clock, ...more });
  const post = async (path: string, body: unknown): Promise<Json> => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    return (await fetch(`${simulator.origin}${path}`, init)).json();
  };
  const follow = () => post("/_clock", { now: clock.now().toISOString() });
  await follow();
  return { simulator, aws, post, follow, close: () => simulator.close() };
}

/** A role that somebody wrote by hand, which `principal` may assume under the condition; answers its ARN. */
export async function roleByHand(
  vendor: Vendor,
  { arn, principal, condition }: { arn: string; principal: string; condition: object | undefined },
): Promise<string> {
  const statement = {
    Effect: "Allow",
    Principal: { AWS: principal },
    Action: "sts:AssumeRole",
    ...(condition && { Condition: condition }),
  };
  await vendor.post("/_aws/roles", { arn, trust: { Version: "2012-10-17", Statement: statement }, policies: [] });
  return arn;
}

/** What our API answers to a bearer. */
export async function posted(url: string, bearer: string, body: object): Promise<{ status: number; json: Json }> {
  const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, json: await answer.json() };
}
