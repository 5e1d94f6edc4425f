/**
 * What the product answers within `ms`, or a rejection. The signal aborts then; the wait is over either way, because a
 * product written in this process may not look at it.
 */
export async function within<T>(ms: number, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const fault = new Error(`The product did not answer within ${ms} ms.`);
      limit.abort(fault);
      reject(fault);
    }, ms).unref();
  });
  try {
    return await Promise.race([ask(limit.signal), silence]);
  } finally {
    clearTimeout(timer);
  }
}
