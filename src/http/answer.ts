import type { ServerResponse } from "node:http";

/** Ends an answer in one write, with its length; cheaper than `res.send`, which also computes an ETag. */
export function answerText(res: ServerResponse, status: number, type: string, text: string): void {
  res.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(text) });
  res.end(text);
}

export const JSON_TYPE = "application/json; charset=utf-8";

export function answerJson(res: ServerResponse, status: number, value: unknown): void {
  answerText(res, status, JSON_TYPE, JSON.stringify(value));
}
