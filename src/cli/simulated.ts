import type { Manifest } from "../catalog/catalog.ts";
import type { Settings } from "../config.ts";
import type { SimulatorManifest } from "../simulator/simulator.ts";

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
