import { keptSessions } from "../src/isolation/aws/sessions/kept-sessions.ts";
import type { AwsSession } from "../src/isolation/aws/sessions/sts.ts";
import { MINUTE, SECOND, testClock } from "./support/clock.ts";

const clock = testClock();
let made = 0;

const key = (tenant: string, purpose = "p", seconds = 900) => ({ tenant, purpose, seconds });
function make(): Promise<AwsSession> {
  made += 1;
  const expiresAt = new Date(clock.now().getTime() + 15 * MINUTE);
  return Promise.resolve({ accessKeyId: `key-${made}`, secretAccessKey: "s", sessionToken: "t", expiresAt });
}

describe("kept sessions", () => {
  test("a session is another's for no other tenant, purpose or time", async () => {
    const kept = keptSessions(clock);
    const keys = [key("a"), key("b"), key("a", "q"), key("a", "p", 1_800), key('a","p'), key("a")];
    const ids = [];
    for (const one of keys) ids.push((await kept.take(one, make)).accessKeyId);
    expect(new Set(ids).size).toBe(5);
    expect(ids[5]).toBe(ids[0]);
  });

  test("one that could not be made is not kept", async () => {
    const kept = keptSessions(clock);
    await expect(kept.take(key("a"), () => Promise.reject(new Error("denied")))).rejects.toThrow("denied");
    await expect(kept.take(key("a"), make)).resolves.toBeDefined();
  });

  test("what is forgotten while it is made is not kept either", async () => {
    const kept = keptSessions(clock);
    let end: (session: AwsSession) => void = () => undefined;
    const first = kept.take(
      key("a"),
      () =>
        new Promise((resolve) => {
          end = resolve;
        }),
    );
    kept.forget("a");
    end(await make());
    const { accessKeyId } = await first;
    expect((await kept.take(key("a"), make)).accessKeyId).not.toBe(accessKeyId);
  });

  test("no more than so many are kept, and the oldest makes room", async () => {
    const kept = keptSessions(clock, 3);
    const first = await kept.take(key("a"), make);
    for (const tenant of ["b", "c"]) await kept.take(key(tenant), make);
    expect(await kept.take(key("a"), make)).toBe(first);
    await kept.take(key("d"), make);
    expect(await kept.take(key("a"), make)).not.toBe(first);
  });

  test("it is handed out while a third of its time is left", async () => {
    const kept = keptSessions(clock);
    const first = await kept.take(key("a"), make);
    clock.advance(10 * MINUTE - SECOND);
    expect(await kept.take(key("a"), make)).toBe(first);
    clock.advance(SECOND);
    expect(await kept.take(key("a"), make)).not.toBe(first);
  });
});
