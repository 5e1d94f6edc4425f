/** A browser without scripts: it keeps cookies for each origin and follows redirects, from site to site too. */
export interface WebBrowser {
  /** What it ends at; `stopAt` ends it before an address that begins so. */
  open(
    url: string,
    how?: { readonly form?: Readonly<Record<string, string>>; readonly stopAt?: string },
  ): Promise<Shown>;
  cookiesOf(url: string): ReadonlyMap<string, string>;
}

export interface Shown {
  readonly url: string;
  readonly status: number;
  readonly text: string;
}

const REDIRECTS = 15;

export function webBrowser(): WebBrowser {
  const jars = new Map<string, Map<string, string>>();
  const jarOf = (url: string): Map<string, string> => {
    const { origin } = new URL(url);
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    return jar;
  };

  /** `foreign`: a form of another site, with which no cookie of ours goes (SameSite=Lax). */
  const ask = async (url: string, form: Readonly<Record<string, string>> | undefined): Promise<Response> => {
    const jar = jarOf(url);
    const cookie = form === undefined ? [...jar].map(([name, value]) => `${name}=${value}`).join("; ") : "";
    const answer = await fetch(url, {
      redirect: "manual",
      headers: cookie === "" ? {} : { cookie },
      ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "" || /expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  };

  return {
    cookiesOf: jarOf,
    open: async (url, { form, stopAt } = {}) => {
      let at = url;
      let answer = await ask(at, form);
      for (let count = 0; count < REDIRECTS; count += 1) {
        const location = answer.headers.get("location");
        if (location === null) break;
        at = new URL(location, at).href;
        if (stopAt !== undefined && at.startsWith(stopAt)) return { url: at, status: answer.status, text: "" };
        answer = await ask(at, undefined);
      }
      return { url: at, status: answer.status, text: await answer.text() };
    },
  };
}
