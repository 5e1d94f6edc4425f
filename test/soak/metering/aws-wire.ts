import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Side } from "../commit-proxy.ts";
import { listenLocally } from "../listen-locally.ts";

/** What was ever sent to be billed: for each key all that was said of it. */
export interface CallLog {
  readonly calls: number;
  readonly records: number;
  readonly sent: ReadonlyMap<string, ReadonlySet<string>>;
  note(headers: IncomingHttpHeaders, body: Buffer): void;
  clear(): void;
}

export interface AwsWireOptions {
  readonly upstream: () => string;
  readonly log: CallLog;
  /** Ends the process whose way this is. */
  readonly crash: (side: Side) => void;
}

/** The way of one process to AWS. */
export interface AwsWire {
  readonly origin: string;
  /** The next report of usage is the end of the process: before it gets there, or when it has been answered. */
  arm(side: Side | undefined): void;
  close(): Promise<void>;
}

const REPORT = "AWSMPMeteringService.BatchMeterUsage";

export async function openAwsWire({ upstream, log, crash }: AwsWireOptions): Promise<AwsWire> {
  let armed: Side | undefined;

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await bytesOf(incoming);
    const reports = incoming.headers["x-amz-target"] === REPORT;
    if (reports) log.note(incoming.headers, body);
    const side = reports ? armed : undefined;
    if (side !== undefined) armed = undefined;
    if (side === "before") return end(side, outgoing);
    const answer = await pass(upstream(), incoming, body);
    if (side === "after") return end(side, outgoing);
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  };
  const end = (side: Side, outgoing: ServerResponse): void => {
    crash(side);
    outgoing.destroy();
  };
  const server = createServer((incoming, outgoing) => {
    void serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  const { origin, close } = await listenLocally(server);
  return {
    origin,
    arm: (side) => {
      armed = side;
    },
    close,
  };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function pass(origin: string, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(`${origin}${url}`, { method, headers, agent: false }, (incoming) => {
      bytesOf(incoming).then(
        (bytes) => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: bytes }),
        reject,
      );
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface WireRecord {
  readonly Timestamp: number;
  readonly Dimension: string;
  readonly LicenseArn?: string;
  readonly CustomerIdentifier?: string;
}

const HOUR_S = 3_600;

export function createCallLog(): CallLog {
  const sent = new Map<string, Set<string>>();
  let calls = 0;
  let records = 0;
  return {
    get calls() {
      return calls;
    },
    get records() {
      return records;
    },
    sent,
    note: (headers, body) => {
      calls += 1;
      const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(headers.authorization ?? "")?.[1] ?? "";
      const said = JSON.parse(body.toString()) as { ProductCode?: string; UsageRecords: WireRecord[] };
      for (const record of said.UsageRecords) {
        records += 1;
        const who = record.LicenseArn ?? `${said.ProductCode} ${record.CustomerIdentifier}`;
        const key = `${region} ${who} ${record.Dimension} ${Math.floor(record.Timestamp / HOUR_S)}`;
        sent.set(key, (sent.get(key) ?? new Set()).add(JSON.stringify(record)));
      }
    },
    clear: () => {
      sent.clear();
      calls = 0;
      records = 0;
    },
  };
}
