import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { drain } from "../src/http/server.ts";
import { consoleOf } from "./support/console.ts";
import { closeServers, listen } from "./support/listen.ts";
import { closeProviders, testProvider } from "./support/provider.ts";

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

describe("a process that leaves", () => {
  test("ends the live pages at once and whole, whatever time they had left", async () => {
    const { app, signIn } = await consoleOf(await testProvider());
    const { cookie } = await signIn();
    const { server, url } = await listen(app);
    const streams = await Promise.all(
      [1, 2].map(async () => {
        const [answer] = (await once(get(`${url}/console/live`, { headers: { cookie } }), "response")) as [
          IncomingMessage,
        ];
        await once(answer, "data");
        return { answer, ended: once(answer.resume(), "end") };
      }),
    );
    expect(await drain(server, { timeoutMs: 20_000 })).toBe(true);
    await Promise.all(streams.map(({ ended }) => ended));
    expect(streams.map(({ answer }) => answer.complete)).toEqual([true, true]);
  });
});
