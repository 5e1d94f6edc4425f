import type { Manifest } from "../catalog/catalog.ts";
import type { Settings } from "../config.ts";
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
export function awsToPlay({ aws }: Settings) {
  return { eventsSecret: aws.eventsSecret, externalId: aws.sellerExternalId };
}

/** The settings of a service whose AWS is the simulator, unless its environment speaks of another one. */
export function withSimulatedAws(settings: Settings, simulated: AwsAtSimulator): Settings {
  if (!settings.demoData) return settings;
  const { region, snsTopicArns, eventsSecret, ...aws } = settings.aws;
  return {
    ...settings,
    aws: {
      ...aws,
      region: region ?? simulated.region,
      snsTopicArns: snsTopicArns.length > 0 ? snsTopicArns : simulated.topicArns,
      eventsSecret: eventsSecret ?? simulated.eventsSecret,
      simulated: { endpoint: simulated.endpoint, keys: simulated.keys },
    },
  };
}
