import { newRequestId } from "../model/ids.ts";

/** An answer of AWS's query protocol. */
export interface QueryAnswer {
  readonly status: number;
  readonly xml: string;
}

export function succeeded(action: string, namespace: string, result: string): QueryAnswer {
  const metadata = `<ResponseMetadata><RequestId>${newRequestId()}</RequestId></ResponseMetadata>`;
  const body = `<${action}Result>${result}</${action}Result>${metadata}`;
  return { status: 200, xml: `<${action}Response xmlns="${namespace}">${body}</${action}Response>` };
}

export function failed(status: number, code: string, message: string): QueryAnswer {
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, xml: `<ErrorResponse>${error}<RequestId>${newRequestId()}</RequestId></ErrorResponse>` };
}
