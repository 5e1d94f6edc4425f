import type { RequestHandler } from "express";
import { basicCredentials } from "../../../http/basic-auth.ts";
import { secretTest } from "../../../same-secret.ts";
import type { HerokuOptions } from "../options.ts";

/**
 * Lets Heroku in by the manifest's id and password (Basic), before the body is read. Both are compared as one text (an
 * id holds no colon), so an unknown id takes as long as a wrong password and gets the same 401; a failed attempt
 * counts, a right one is never refused.
 */
export function admitHeroku({ catalog, settings, attempts }: HerokuOptions): RequestHandler {
  const tests = settings.passwords.map((password) => secretTest(`${catalog.id}:${password}`));
  return function admit(req, res, next) {
    const { user, password } = basicCredentials(req) ?? { user: "", password: "" };
    const verdicts = tests.map((isRight) => isRight(`${user}:${password}`));
    return verdicts.includes(true) ? next() : attempts.refuse(req, res, next);
  };
}
