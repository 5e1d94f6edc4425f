import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as it came: the operation without its service, and the body as JSON. */
export interface AwsCall {
  readonly operation: string;
  readonly region: string;
  readonly body: Record<string, unknown>;
  readonly authorization: string;
  readonly bytes: number;
}

/** What to answer: a body, a named error, or nothing at all. */
export type AwsAnswer =
  | { readonly body: unknown; readonly date?: Date }
  | { readonly error: string; readonly status?: number; readonly message?: string; readonly date?: Date }
  | "hang"
  | "cut";

type Script = (call: AwsCall) => AwsAnswer | Promise<AwsAnswer>;

export interface FakeAws {
  readonly url: string;
  readonly calls: AwsCall[];
  /** Answers of one operation from now on; several are given one after the other, the last one for ever. */
  on(operation: string, ...answers: (AwsAnswer | Script)[]): void;
  close(): Promise<void>;
}

/** A stand-in for AWS's JSON protocol that says what a test tells it to: the SDK talks to it over HTTP. */
export async function fakeAws(): Promise<FakeAws> {
  const calls: AwsCall[] = [];
  const scripts = new Map<string, (AwsAnswer | Script)[]>();
  const server = createServer((request, response) => {
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await readCall(request);
    calls.push(call);
    const queue = scripts.get(call.operation) ?? [];
    const next = queue.length > 1 ? queue.shift() : queue[0];
    const given = typeof next === "function" ? await next(call) : (next ?? { error: "UnknownOperationException" });
    if (given === "cut") response.destroy();
    else if (given !== "hang") send(response, given, calls.length);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    on: (operation, ...answers) => {
      scripts.set(operation, answers);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function send(response: ServerResponse, given: Exclude<AwsAnswer, string>, count: number): void {
  const text =
    "body" in given ? asText(given.body) : asText({ __type: typeOf(given), message: given.message ?? "refused" });
  response.writeHead("body" in given ? 200 : (given.status ?? 400), {
    "content-type": text.startsWith("<") ? "text/xml" : "application/x-amz-json-1.1",
    "x-amzn-requestid": `request-${count}`,
    date: (given.date ?? new Date()).toUTCString(),
  });
  response.end(text);
}

const typeOf = ({ error }: { error: string }): string => `com.amazonaws.marketplacemetering#${error}`;
const asText = (body: unknown): string => (typeof body === "string" ? body : JSON.stringify(body));

async function readCall(request: IncomingMessage): Promise<AwsCall> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  const authorization = request.headers.authorization ?? "";
  const target = String(request.headers["x-amz-target"] ?? "");
  const form = target === "" ? Object.fromEntries(new URLSearchParams(text)) : undefined;
  return {
    operation: form === undefined ? (target.split(".")[1] ?? "") : String(form["Action"]),
    region: /Credential=[^/]+\/\d+\/([^/]+)\//.exec(authorization)?.[1] ?? "",
    body: form ?? (JSON.parse(text === "" ? "{}" : text) as Record<string, unknown>),
    authorization,
    bytes: Buffer.byteLength(text),
  };
}

export const testKeys = { accessKeyId: "AKIATEST", secretAccessKey: "secret-of-the-test" };
