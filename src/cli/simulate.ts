import { readManifestFile } from "../compose.ts";
import { readSettings } from "../config.ts";
import { ProviderError } from "../errors.ts";
import { startSimulator } from "../simulator/simulator.ts";
import { awsToPlay, credentialsAt } from "./simulated.ts";
import { untilStopped } from "./teardown.ts";

/** Plays the marketplaces towards any provider, one line for each exchange, until SIGTERM or SIGINT. */
export async function simulate({ provider }: { provider: string }): Promise<void> {
  const settings = readSettings();
  if (settings.simulatorPort === undefined)
    throw new ProviderError("config_invalid", "The simulator does not run in production.");
  const manifest = await readManifestFile();
  const stopped = untilStopped();
  const simulator = await startSimulator({
    port: settings.simulatorPort,
    manifest: credentialsAt(settings, manifest),
    providerOrigin: provider,
    clientSecret: settings.heroku.clientSecret,
    aws: awsToPlay(settings, manifest),
    onLine: (line) => process.stdout.write(`${line}\n`),
  });
  process.stdout.write(`The simulator is at ${simulator.origin} and calls the provider at ${provider}\n`);
  process.stdout.write(`What a provider has to know of AWS here: ${simulator.origin}/_aws\n`);
  await stopped;
  await simulator.close();
}
