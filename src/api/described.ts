import type { RouteConfig } from "@asteasolutions/zod-to-openapi";
import type { z } from "zod";

/** A route of our own API in words, for its description. */
export interface Described {
  readonly method: RouteConfig["method"];
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly body?: z.ZodType;
  readonly query?: z.ZodObject;
  readonly params?: readonly string[];
  readonly answer: readonly [status: number, schema: z.ZodType | undefined];
  readonly open?: boolean;
}
