/** One statement as a client of PostgreSQL sends it, with its parameters as text. */
export interface Statement {
  readonly sql: string;
  readonly params: readonly string[];
}

/** What a client sends before it waits for an answer: one query, or the messages up to a Sync. */
export interface Unit {
  readonly bytes: Buffer;
  readonly statement: Statement | undefined;
  /** Said once, in the first message of a connection. */
  readonly user: string | undefined;
}

interface Message {
  /** Empty for the messages before the session, which have no type. */
  readonly type: string;
  readonly bytes: Buffer;
  readonly body: Buffer;
}

const PROTOCOL_3 = 196_608;

/** Cuts the bytes of one client into units, however they arrive. */
export function unitReader(): (chunk: Buffer) => readonly Unit[] {
  const prepared = new Map<string, string>();
  let rest: Buffer = Buffer.alloc(0);
  let open: Message[] = [];
  let inSession = false;

  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const units: Unit[] = [];
    for (let message = firstOf(rest, inSession); message !== undefined; message = firstOf(rest, inSession)) {
      rest = rest.subarray(message.bytes.length);
      open.push(message);
      const user = inSession ? undefined : userIn(message);
      inSession ||= user !== undefined;
      if (!endsUnit(message, open)) continue;
      units.push({
        bytes: Buffer.concat(open.map(({ bytes }) => bytes)),
        statement: statementIn(open, prepared),
        user,
      });
      open = [];
    }
    return units;
  };
}

function firstOf(bytes: Buffer, inSession: boolean): Message | undefined {
  const head = inSession ? 1 : 0;
  if (bytes.length < head + 4) return undefined;
  const length = head + bytes.readInt32BE(head);
  if (bytes.length < length) return undefined;
  const type = inSession ? bytes.toString("latin1", 0, 1) : "";
  return { type, bytes: bytes.subarray(0, length), body: bytes.subarray(head + 4, length) };
}

/** Messages of the extended protocol belong together until their Sync; every other one stands alone. */
function endsUnit({ type }: Message, open: readonly Message[]): boolean {
  return type === "S" || (open.length === 1 && !"PBDECH".includes(type || "?"));
}

function userIn({ body }: Message): string | undefined {
  if (body.readInt32BE(0) !== PROTOCOL_3) return undefined;
  const words = body.toString("utf8", 4).split("\0");
  return words[words.indexOf("user") + 1] ?? "";
}

function statementIn(messages: readonly Message[], prepared: Map<string, string>): Statement | undefined {
  let sql: string | undefined;
  let params: readonly string[] = [];
  for (const { type, body } of messages) {
    if (type === "Q") sql = textAt(body, 0);
    if (type === "P") {
      sql = textAt(body, afterText(body, 0));
      prepared.set(textAt(body, 0), sql);
    }
    if (type === "B") {
      sql ??= prepared.get(textAt(body, afterText(body, 0)));
      params = paramsIn(body);
    }
  }
  return sql === undefined ? undefined : { sql, params };
}

const afterText = (body: Buffer, at: number): number => body.indexOf(0, at) + 1;

const textAt = (body: Buffer, at: number): string => body.toString("utf8", at, body.indexOf(0, at));

/** After the names of portal and statement: the formats of the parameters, then each with its length, -1 for null. */
function paramsIn(body: Buffer): readonly string[] {
  let at = afterText(body, afterText(body, 0));
  at += 2 + 2 * body.readInt16BE(at);
  const params: string[] = [];
  const count = body.readInt16BE(at);
  at += 2;
  for (let index = 0; index < count; index += 1) {
    const length = body.readInt32BE(at);
    const ends = at + 4 + Math.max(length, 0);
    params.push(body.toString("utf8", at + 4, ends));
    at = ends;
  }
  return params;
}

/** Whether an answer is whole: it ends in `Z`, its length, and one of the three states of a session. */
export function isWhole(answer: Buffer): boolean {
  const last = answer.subarray(-6);
  return last.length === 6 && last.toString("latin1", 0, 1) === "Z" && last.readInt32BE(1) === 5;
}

/** The answer to a COMMIT that succeeded. */
export const COMMITTED = Buffer.from("C\0\0\0\x0bCOMMIT\0Z\0\0\0\x05I", "latin1");
export const ROLLBACK = Buffer.from("Q\0\0\0\x0drollback\0", "latin1");
