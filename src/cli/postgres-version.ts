import { type Finding, ok } from "./finding.ts";

const OLDEST_VERSION = 150_014;

/** What a server's `server_version_num` is worth. */
export function versionFinding(check: string, version: number): Finding {
  const name = `PostgreSQL ${Math.floor(version / 10_000)}.${version % 10_000}`;
  if (version >= OLDEST_VERSION) return ok(check, name);
  return {
    check,
    verdict: "fault",
    says: `${name} is too old`,
    cure: "Use 15.14 or later: before it, statistics leak past row level security (CVE-2025-8713).",
  };
}
