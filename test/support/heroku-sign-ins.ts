import { type Answer, ask, type HerokuShop, nowIn, signInForm } from "./heroku.ts";

export type Bought = { uuid: string; id: string };
export type Fields = Record<string, string>;

export const setCookies = ({ headers }: Answer): string[] => headers.getSetCookie();

/** What the tests of signing in write down again and again, for one shop. */
export function signInsOf(shop: () => HerokuShop) {
  return {
    /** A right form of this moment. */
    formOf: (bought: Bought, change: Fields = {}): Fields => ({ ...signInForm(bought, nowIn(shop())), ...change }),
    only: (fields: Fields, ...names: string[]): Fields =>
      Object.fromEntries(names.map((name) => [name, fields[name] ?? ""])),
    link: (path: string, fields: Fields, method = "GET") =>
      ask(shop(), method, `/resources/${path}?${new URLSearchParams(fields)}`),
    sessionIn: (answer: Answer): string =>
      setCookies(answer)
        .find((cookie) => cookie.includes("stallholder="))
        ?.split(";")[0] ?? "",
    dashboard: async (cookie: string): Promise<unknown> =>
      (await fetch(`${shop().url}/dashboard`, { headers: { cookie } })).json(),
  };
}
