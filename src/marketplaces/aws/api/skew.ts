/** As much of a client's middleware stack as is used here: every client of the SDK has it. */
interface Watchable {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: never) => Promise<{ response: unknown }>,
      ) => (args: never) => Promise<{ response: unknown }>,
      options: { step: "deserialize"; name: string; priority: "low" },
    ): void;
  };
}

/** Has the client tell `onSkew` what AWS's `Date` says of our clock, at refusals too. */
export function skewWatch<C>(client: C, onSkew: ((aheadMs: number) => void) | undefined): C {
  if (onSkew === undefined) return client;
  const watchable = client as Watchable;
  watchable.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      const date = dateOf(answer.response);
      if (date !== undefined) onSkew(date - Date.now());
      return answer;
    },
    { step: "deserialize", name: "skewWatch", priority: "low" },
  );
  return client;
}

function dateOf(response: unknown): number | undefined {
  if (typeof response !== "object" || response === null || !("headers" in response)) return undefined;
  const headers = response.headers as Readonly<Record<string, string | undefined>>;
  const date = Date.parse(headers["date"] ?? "");
  return Number.isNaN(date) ? undefined : date;
}
