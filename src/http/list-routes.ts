import { METHODS } from "node:http";
import type { Express } from "express";

export interface ListedRoute {
  /** In capitals; `ALL` for a route of every method. */
  readonly method: string;
  /** With the parameters as they were written: `/heroku/resources/:id`. */
  readonly path: string;
}

/** What the router keeps of each `use` and route; the published types still describe Express 4. */
interface Layer {
  readonly rawPath?: unknown;
  readonly handle?: { readonly stack?: readonly Layer[] };
  readonly route?: { readonly path: unknown; readonly methods: Readonly<Record<string, boolean>> };
}

/**
 * Every route of the app, through all its Routers, in the order they are tried. Handlers given to `use` are not
 * routes and are left out.
 */
export function listRoutes(app: Express): readonly ListedRoute[] {
  const stack: readonly unknown[] = app.router.stack;
  return (stack as readonly Layer[]).flatMap((layer) => routesOf(layer, ""));
}

function routesOf(layer: Layer, mount: string): ListedRoute[] {
  if (layer.route !== undefined) return routesAt(layer.route, mount);
  const inner = layer.handle?.stack ?? [];
  return pathsOf(layer.rawPath).flatMap((path) => inner.flatMap((below) => routesOf(below, joined(mount, path))));
}

function routesAt(route: NonNullable<Layer["route"]>, mount: string): ListedRoute[] {
  const methods = methodsOf(Object.keys(route.methods));
  return pathsOf(route.path).flatMap((path) => methods.map((method) => ({ method, path: joined(mount, path) })));
}

/** A Router's `all` is kept as `_all`, an app's as every method there is. */
function methodsOf(names: readonly string[]): string[] {
  const every = names.includes("_all") || names.length === METHODS.length;
  return every ? ["ALL"] : names.map((name) => name.toUpperCase());
}

function pathsOf(path: unknown): string[] {
  return Array.isArray(path) ? path.map(String) : [String(path)];
}

function joined(mount: string, path: string): string {
  return path === "/" && mount !== "" ? mount : mount.replace(/\/$/, "") + path;
}
