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
