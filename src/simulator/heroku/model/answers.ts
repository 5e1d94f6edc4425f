/** What an endpoint answers. Without a body the answer is 204's kind: empty. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The platform says no, with the id and the sentence that the CLI prints. */
export interface Refusal {
  readonly refused: true;
  readonly status: number;
  readonly id: string;
  readonly message: string;
  /** What was not found; the CLI tells add-ons from attachments by it. */
  readonly resource?: string;
}

export function ok(body: unknown, status = 200): Answer {
  return { status, body };
}

export function refuse(status: number, id: string, message: string): Refusal {
  return { refused: true, status, id, message };
}

export function notFound(resource: string): Refusal {
  const message = `Couldn't find that ${resource.replace("_", "-")}.`;
  return { refused: true, status: 404, id: "not_found", message, resource };
}

export function invalid(message: string): Refusal {
  return refuse(422, "invalid_params", message);
}

export function isRefusal(value: object): value is Refusal {
  return "refused" in value && value.refused === true;
}

export function refusalAnswer(refusal: Refusal): Answer {
  const { status, id, message, resource } = refusal;
  return { status, body: { id, message, ...(resource && { resource }) } };
}
