import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import { isIP, type Socket } from "node:net";
import { AddressRefused, bare, guardedLookup, isReachable, type Reach, reachableAddresses } from "./address.ts";

export interface Posting {
  readonly url: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: string;
  readonly reach: Reach;
  /** For everything: the name, the connection, the request and the whole answer. */
  readonly limitMs: number;
}

/** The head of a complete answer; its body was read to the end and is not kept. */
export interface PostAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

const ANSWER_LIMIT_BYTES = 64 * 1024;

/**
 * One POST over a connection of its own, whose far end is judged as it is connected to: a name that points elsewhere
 * from one look to the next gets nowhere. Redirects are not followed. Throws when there is no complete answer of at most
 * 64 kB within the limit; the message names the fault and holds nothing of the answer.
 */
export async function post({ url, headers, body, reach, limitMs }: Posting): Promise<PostAnswer> {
  const target = new URL(url);
  // A host that is an address is never looked up.
  if (isIP(bare(target.hostname)) !== 0) await reachableAddresses(target.hostname, reach);
  const send = target.protocol === "https:" ? secureRequest : plainRequest;
  const request = send(target, {
    method: "POST",
    headers: { ...headers, "content-length": Buffer.byteLength(body), connection: "close" },
    agent: false,
    lookup: guardedLookup(reach),
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`There was no complete answer within ${limitMs / 1_000} s.`)), limitMs);
  });
  try {
    return await Promise.race([answerTo(request, body, reach), late]);
  } finally {
    clearTimeout(timer);
    request.destroy();
  }
}

function answerTo(request: ClientRequest, body: string, reach: Reach): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("socket", (socket) => {
      // Once more on the connection itself, before a byte of ours is on its way.
      socket.on("connect", () => refuseOther(socket, request, reach));
    });
    request.on("response", (response) => {
      drained(response).then(
        () => resolve({ status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"] }),
        reject,
      );
    });
    request.end(body);
  });
}

function refuseOther({ remoteAddress }: Socket, request: ClientRequest, reach: Reach): void {
  if (remoteAddress !== undefined && isReachable(remoteAddress, reach)) return;
  request.destroy(new AddressRefused("The connection led to an address that is not public."));
}

async function drained(response: IncomingMessage): Promise<void> {
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > ANSWER_LIMIT_BYTES) throw new Error("Its answer is larger than 64 kB.");
  }
}
