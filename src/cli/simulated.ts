import type { Manifest } from "../catalog/catalog.ts";
import type { Settings } from "../config.ts";
import { isolationTemplate } from "../isolation/aws/aws.ts";
import type { AwsAtSimulator, SimulatorManifest } from "../simulator/simulator.ts";

/** The manifest as the marketplace would have it in force: with the password and salt that this service is set to take. */
export function credentialsAt({ heroku }: Settings, { file, secrets }: Manifest): SimulatorManifest {
  const manifest = file as unknown as SimulatorManifest;
  const api = {
    ...manifest.api,
    password: heroku.passwords[0] ?? secrets.password,
    sso_salt: heroku.ssoSalts[0] ?? secrets.ssoSalt,
  };
  return { ...manifest, api };
}

/** What the simulator's AWS has to know of this service. */
export function awsToPlay({ aws, environment }: Settings, { catalog }: Manifest) {
  return {
    eventsSecret: aws.eventsSecret,
    externalId: aws.sellerExternalId,
    stack: tenantStack(environment, catalog.id),
  };
}

/** The stack of the tenants' role as `stallholder isolate aws` prints it. */
function tenantStack(environment: string, product: string) {
  const asked = {
    services: "s3,dynamodb,opensearch,kms,rds",
    model: "pool",
    format: "cloudformation",
    environment,
    product,
  };
  return {
    template: isolationTemplate(asked) as Readonly<Record<string, unknown>>,
    parameters: { DatabaseResourceId: "cluster-SIMULATED" },
  };
}

/** The settings of a service whose AWS is the simulator, unless its environment speaks of another one. */
export function withSimulatedAws(settings: Settings, simulated: AwsAtSimulator): Settings {
  if (!settings.demoData) return settings;
  const { region, snsTopicArns, eventsSecret, tenantRoleArn, ...aws } = settings.aws;
  return {
    ...settings,
    aws: {
      ...aws,
      region: region ?? simulated.region,
      tenantRoleArn: tenantRoleArn ?? simulated.tenantRoleArn,
      snsTopicArns: snsTopicArns.length > 0 ? snsTopicArns : simulated.topicArns,
      eventsSecret: eventsSecret ?? simulated.eventsSecret,
      simulated: { endpoint: simulated.endpoint, keys: simulated.keys },
    },
  };
}
