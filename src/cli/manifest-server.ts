import { ProviderError } from "../errors.ts";

export interface ManifestServerOptions {
  /** Origin of the manifest API. */
  readonly url: string;
  /** The developer's own token. */
  readonly token: string | undefined;
}

export type ManifestFile = Readonly<Record<string, unknown>>;

/** Heroku's manifest API, as its admin plugin speaks it (GET current_manifest, POST manifests). */
export interface ManifestServer {
  /** The manifest in force; undefined before the first push. */
  current(slug: string): Promise<ManifestFile | undefined>;
  /** Puts `manifest` in force and answers it as the server keeps it. A refusal is `request_malformed` with every fault. */
  push(slug: string, manifest: ManifestFile): Promise<ManifestFile>;
}

const ANSWER_WITHIN_MS = 15_000;

export function manifestServer({ url, token }: ManifestServerOptions): ManifestServer {
  const ask = async (
    method: "GET" | "POST",
    path: string,
    body?: unknown,
  ): Promise<{ status: number; answer: unknown }> => {
    const response = await fetch(`${url}/api/v3/addons/${path}`, {
      method,
      redirect: "error",
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      headers: {
        accept: "application/json",
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new ProviderError("marketplace_unavailable", `The manifest API at ${url} does not answer.`, { cause });
    });
    return { status: response.status, answer: await response.json().catch(() => undefined) };
  };

  return {
    current: async (slug) => {
      const { status, answer } = await ask("GET", `${encodeURIComponent(slug)}/current_manifest`);
      if (status === 404) return undefined;
      return contentsOf(status, answer);
    },
    push: async (slug, manifest) => {
      const { status, answer } = await ask("POST", `${encodeURIComponent(slug)}/manifests`, { contents: manifest });
      return contentsOf(status, answer);
    },
  };
}

function contentsOf(status: number, answer: unknown): ManifestFile {
  const contents = member(answer, "contents");
  if (status >= 200 && status < 300 && typeof contents === "object" && contents !== null)
    return contents as ManifestFile;
  if (status === 401) {
    throw new ProviderError(
      "not_authenticated",
      "The manifest API refused the token. Set HEROKU_API_KEY to the output of `heroku auth:token`.",
    );
  }
  const said = member(member(answer, "error"), "base");
  if (Array.isArray(said)) {
    const faults = said.map((message) => ({ at: "manifest", message: String(message) }));
    throw new ProviderError("request_malformed", "The manifest API refused the manifest.", { faults });
  }
  throw new ProviderError("marketplace_refused", `The manifest API answered ${status}.`);
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
