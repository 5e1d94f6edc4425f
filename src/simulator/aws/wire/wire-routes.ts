import express, { type Request, type Response, Router } from "express";
import { asJsonObject, type JsonObject, parseJson } from "../../json.ts";
import { SELLER_ACCOUNT } from "../model/accounts.ts";
import { newRequestId } from "../model/ids.ts";
import type { Aws } from "../model/world.ts";
import { type AwsError, awsError, isAwsError } from "./answers.ts";
import { fateOf } from "./fate.ts";
import { HOME_REGION } from "./regions.ts";
import type { Service, WireCall } from "./service.ts";
import { services } from "./services.ts";
import { type Signer, signerOf } from "./signature.ts";

const LONGEST_BODY = "8mb";
const JSON_OF_AWS = /^application\/x-amz-json-1\.[01]\b/;

interface Incoming {
  readonly service: Service;
  readonly operation: string;
  readonly request: Request;
  readonly response: Response;
  readonly requestId: string;
}

/** AWS's own JSON protocol, told by the header `X-Amz-Target`; whatever else is asked goes on. */
export function wireRoutes(aws: Aws): Router {
  const router = Router();
  const readText = express.text({ type: isAwsJson, limit: LONGEST_BODY });
  router.post("/{*path}", (request, response, next) => {
    if (request.get("x-amz-target") === undefined) next();
    else readText(request, response, (fault) => (fault ? next(fault) : void serve(aws, request, response)));
  });
  return router;
}

function isAwsJson(request: { headers: Request["headers"] }): boolean {
  return JSON_OF_AWS.test(request.headers["content-type"] ?? "");
}

async function serve(aws: Aws, request: Request, response: Response): Promise<void> {
  const [prefix = "", operation = ""] = (request.get("x-amz-target") ?? "").split(".");
  const service = services.find((one) => one.prefix === prefix);
  const requestId = newRequestId();
  if (service === undefined || !Object.hasOwn(service.operations, operation)) {
    response.status(400).json({ __type: "UnknownOperationException" });
    return;
  }
  await answerCall(aws, { service, operation, request, response, requestId });
}

async function answerCall(aws: Aws, incoming: Incoming): Promise<void> {
  const { service, operation, request, response, requestId } = incoming;
  const text = typeof request.body === "string" ? request.body : "";
  const parsed = parseJson(text === "" ? "{}" : text);
  const body = asJsonObject(parsed?.value);
  const exchange = service.shown ? beginExchange(aws, incoming, body) : undefined;
  const signer = signerOf(aws, request, service.signedFor);
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const call = { body, bytes: Buffer.byteLength(text), requestId, exchange: exchange?.id ?? null, gone: gone.signal };
  const answer = parsed === undefined ? NOT_JSON : await perform(aws, incoming, call, signer);
  const fate = operation === "BatchMeterUsage" && !isAwsError(answer) ? await fateOf(aws, gone.signal) : "sent";
  if (fate === "dropped") {
    exchange?.end({ failure: "the answer was dropped, after the records had been taken" });
    response.destroy();
    return;
  }
  const ended = send(aws, incoming, fate === "failed" ? FAILED_AFTER : answer);
  exchange?.end(ended);
}

function beginExchange(aws: Aws, { service, operation, request }: Incoming, body: JsonObject) {
  return aws.journal.begin({
    direction: "from-provider",
    about: null,
    method: "POST",
    // The operation stands where other calls have their path: this one is always the same.
    url: `/${service.prefix}.${operation}`,
    request: { headers: request.headers, body },
  });
}

const NOT_JSON = awsError("SerializationException", "The body is not JSON.");
const FAILED_AFTER = awsError("InternalServiceErrorException", "An internal error has occurred.", 500);

async function perform(
  aws: Aws,
  { service, operation }: Incoming,
  call: Omit<WireCall, "region">,
  signer: Signer | AwsError,
): Promise<JsonObject | AwsError> {
  if (isAwsError(signer)) return signer;
  if (signer.account !== SELLER_ACCOUNT)
    return awsError("AccessDeniedException", `Account ${signer.account} is not authorized to perform ${operation}.`);
  if (service.homeOnly && signer.region !== HOME_REGION)
    aws.journal.blame(
      "aws_region",
      `${operation} lives in ${HOME_REGION} only, not in ${signer.region}.`,
      call.exchange,
    );
  const answer = service.operations[operation];
  return answer === undefined
    ? awsError("UnknownOperationException", "")
    : answer(aws, { ...call, region: signer.region });
}

function send(aws: Aws, { service, requestId, response }: Incoming, answer: JsonObject | AwsError) {
  const failed = isAwsError(answer);
  const status = failed ? (answer.status ?? 400) : 200;
  const body = failed ? { __type: `${service.namespace}#${answer.error}`, message: answer.message } : answer;
  const headers = {
    "Content-Type": `application/x-amz-json-${service.version}`,
    "x-amzn-RequestId": requestId,
    Date: dateHeader(aws),
    ...(failed && {
      "x-amzn-errortype": answer.error,
      ...(answer.queryCode && { "x-amzn-query-error": answer.queryCode }),
    }),
  };
  if (!response.destroyed)
    response
      .status(status)
      .set(headers)
      .send(Buffer.from(JSON.stringify(body)));
  return { status, headers, body };
}

/** AWS's time is the simulator's, unless the fault makes it another. */
function dateHeader({ clock, faults }: Aws): string {
  const skew = faults.take("aws_clock_skew") ?? 0;
  return clock.in(skew * 1_000).toUTCString();
}
