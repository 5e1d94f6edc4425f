import { neverChangeable, withoutCatalog } from "../catalog/catalog.ts";
import { readManifestFile } from "../compose.ts";
import { readSettings } from "../config.ts";
import { ProviderError } from "../errors.ts";
import { type ManifestFile, manifestServer } from "./manifest-server.ts";

/** Prints what Heroku's admin plugin takes; an invalid file is refused with every fault. */
export async function printManifest(): Promise<void> {
  const { file } = await readManifestFile();
  process.stdout.write(`${JSON.stringify(withoutCatalog(file), null, 2)}\n`);
}

interface Difference {
  readonly at: string;
  readonly here: unknown;
  readonly there: unknown;
}

/** Compares the file with the manifest in force. Exit code 1 when they differ. */
export async function diffManifest({ json = false }: { json?: boolean }): Promise<void> {
  const { local, remote } = await bothManifests();
  const differences = remote === undefined ? [] : differencesOf(local, remote);
  const warnings = remote === undefined ? [] : neverChangeable(local, remote);
  if (json) {
    process.stdout.write(`${JSON.stringify({ pushed: remote !== undefined, differences, warnings })}\n`);
  } else if (remote === undefined) {
    process.stdout.write("Nothing is in force yet: `stallholder manifest push` puts the file there.\n");
  } else {
    process.stdout.write(
      differences.length === 0 ? "The file is in force as it stands.\n" : differences.map(lineOf).join(""),
    );
    for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  }
  if (remote === undefined || differences.length > 0) process.exitCode = 1;
}

/** Puts the file in force. Where something changes that can never change back, `--confirm ID` is asked for. */
export async function pushManifest({ confirm }: { confirm?: string }): Promise<void> {
  const { local, remote, server, slug } = await bothManifests();
  const warnings = remote === undefined ? [] : neverChangeable(local, remote);
  if (warnings.length > 0 && confirm !== slug) {
    const faults = warnings.map((message) => ({ at: "manifest", message }));
    throw new ProviderError(
      "request_malformed",
      `Nothing was pushed. To push all the same, repeat with --confirm ${slug}.`,
      { faults },
    );
  }
  // The server writes `$base` into its copy and wants it back unchanged.
  const base = remote?.["$base"];
  await server.push(slug, base === undefined ? local : { ...local, $base: base });
  process.stdout.write(`The manifest of ${slug} is in force.\n`);
}

async function bothManifests() {
  const settings = readSettings();
  const { file, catalog } = await readManifestFile();
  const server = manifestServer({ url: settings.heroku.addonsUrl, token: settings.heroku.apiKey });
  return {
    local: inForce(withoutCatalog(file), settings.heroku),
    remote: await server.current(catalog.id),
    server,
    slug: catalog.id,
  };
}

/** The committed file holds development values; what is pushed holds the values this service is set to take. */
function inForce(
  local: ManifestFile,
  { passwords, ssoSalts }: { passwords: readonly string[]; ssoSalts: readonly string[] },
): ManifestFile {
  const api = local["api"] as Record<string, unknown>;
  return {
    ...local,
    api: {
      ...api,
      ...(passwords[0] === undefined ? {} : { password: passwords[0] }),
      ...(ssoSalts[0] === undefined ? {} : { sso_salt: ssoSalts[0] }),
    },
  };
}

const SECRET = /\/(password|sso_salt)$/;

function differencesOf(local: unknown, remote: unknown, at = ""): Difference[] {
  if (at === "/$base" || JSON.stringify(local) === JSON.stringify(remote)) return [];
  if (!isObject(local) || !isObject(remote))
    return [SECRET.test(at) ? { at, here: "(secret)", there: "(another)" } : { at, here: local, there: remote }];
  const names = [...new Set([...Object.keys(local), ...Object.keys(remote)])].sort();
  return names.flatMap((name) => differencesOf(local[name], remote[name], `${at}/${name}`));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function lineOf({ at, here, there }: Difference): string {
  return `${at}\n  - in force: ${JSON.stringify(there) ?? "(absent)"}\n  + file:     ${JSON.stringify(here) ?? "(absent)"}\n`;
}
