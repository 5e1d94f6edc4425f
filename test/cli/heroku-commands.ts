import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Simulator, type SimulatorManifest, startSimulator } from "../../src/simulator/simulator.ts";
import { freePort } from "./free-port.ts";
import { installCli } from "./install-cli.ts";
import { type Cli, type CliRun, openCli } from "./run-cli.ts";

/** What a provider has to know of the platform before it starts. */
export interface Wiring {
  readonly manifest: SimulatorManifest;
  /** Of the Platform API and of the token endpoint. */
  readonly platformOrigin: string;
  readonly clientSecret: string;
}

export interface ProviderUnderTest {
  readonly manifest: SimulatorManifest;
  /** Slugs of two plans that are ready at once, and of one that may take a while (it may be one of the two). */
  readonly plans: { readonly first: string; readonly second: string; readonly slow: string };
  start(wiring: Wiring): Promise<StartedProvider>;
  /** Tests of this provider alone, before the last word on what it did wrong. */
  more?(command: CommandTest, cli: { does: Does; run: Run }): void;
}

export interface StartedProvider {
  readonly origin: string;
  /** Awaited once the platform answers. */
  ready?(): Promise<void>;
  close(): Promise<void>;
}

type CommandTest = (sentence: string, body: () => Promise<void>) => void;
type Run = (...args: string[]) => Promise<CliRun>;
/** Runs a command that has to succeed, and returns what it printed. */
type Does = (...args: string[]) => Promise<string>;

const CLIENT_SECRET = "client-secret-of-the-cli-tests";
/** The installation alone may take a minute. */
const LONGEST_SETUP_MS = 300_000;
const LONGEST_TEST_MS = 120_000;

/** The whole life of an add-on, by the commands that a customer types into the real CLI. */
export function describeHerokuCommands(name: string, under: ProviderUnderTest): void {
  const slug = under.manifest.id;
  const prefix = under.manifest.api.config_vars_prefix ?? slug.toUpperCase().replaceAll("-", "_");
  const { first, second, slow } = under.plans;
  let simulator: Simulator;
  let provider: { close(): Promise<void> };
  let cli: Cli;

  const verdicts = async (): Promise<unknown> => (await fetch(`${simulator.origin}/_verdicts`)).json();
  const run: Run = (...args) => cli.run(args);
  const does: Does = async (...args) => {
    const { code, stdout, stderr } = await run(...args);
    expect(`exit ${code} of ${args.join(" ")}\n${code === 0 ? "" : stderr}`).toBe(`exit 0 of ${args.join(" ")}\n`);
    return `${stdout}\n${stderr}`;
  };

  describe(`the heroku CLI, with ${name}`, () => {
    beforeAll(async () => {
      const script = await installCli();
      const port = await freePort();
      const platformOrigin = `http://127.0.0.1:${port}`;
      const { manifest } = under;
      const started = await under.start({ manifest, platformOrigin, clientSecret: CLIENT_SECRET });
      provider = started;
      simulator = await startSimulator({ port, manifest, providerOrigin: started.origin, clientSecret: CLIENT_SECRET });
      await started.ready?.();
      cli = await openCli(script, simulator.origin);
    }, LONGEST_SETUP_MS);

    afterAll(async () => {
      await cli?.close();
      await simulator?.close();
      await provider?.close();
    });

    const command: CommandTest = (sentence, body) => test(sentence, body, LONGEST_TEST_MS);

    command("addons:services, addons:plans and addons:docs show what is sold", async () => {
      expect(await does("addons:services")).toContain(slug);
      expect(JSON.parse((await run("addons:services", "--json")).stdout)).toMatchObject([{ name: slug }]);
      expect(await does("addons:plans", slug)).toContain(`${slug}:${first}`);
      const plans: unknown = JSON.parse((await run("addons:plans", slug, "--json")).stdout);
      expect(plans).toEqual(expect.arrayContaining([expect.objectContaining({ name: `${slug}:${second}` })]));
      expect(await does("addons:docs", slug, "--show-url")).toMatch(/^https:\S+\/articles\//);
    });

    command("addons:create gives the app its config vars", async () => {
      const made = await does(
        "addons:create",
        `${slug}:${first}`,
        "-a",
        "creates",
        "--name",
        "made",
        "--",
        "--size",
        "3",
        "--fast",
      );
      expect(made).toMatch(new RegExp(`Created made as .*${prefix}_`));
      const vars = await does("config", "-a", "creates", "--json");
      const [name, value] = Object.entries(Object(JSON.parse(vars)))[0] ?? [];
      expect(name).toMatch(new RegExp(`^${prefix}_`));
      expect(await does("config:get", String(name), "-a", "creates")).toContain(String(value));
      expect(await does("config", "-a", "creates")).toContain(name);
    });

    command("addons and addons:info show what an app has", async () => {
      await does("addons:create", `${slug}:${first}`, "-a", "shows", "--name", "shown", "--as", "FINDER");
      expect(await does("addons", "-a", "shows")).toMatch(/shown[\s\S]*as FINDER/);
      expect(await does("addons")).toContain("shown");
      expect(await does("addons", "--all", "--json")).toContain('"shown"');
      const info = await does("addons:info", "shown");
      expect(info).toMatch(/Attachments:\s+shows::FINDER/);
      expect(info).toMatch(/State:\s+created/);
      expect(await does("addons:info", "FINDER", "-a", "shows")).toContain("shown");
    });

    command("addons:create --wait and addons:wait end when the add-on is ready", async () => {
      const waited = await does("addons:create", `${slug}:${slow}`, "-a", "waits", "--name", "waited", "--wait");
      expect(waited).toMatch(new RegExp(`Created waited as .*${prefix}_`));
      await does("addons:create", `${slug}:${slow}`, "-a", "waits-too", "--name", "waited-too");
      await does("addons:wait", "waited-too", "-a", "waits-too", "--wait-interval", "1");
      await does("addons:wait", "-a", "waits-too");
      expect(await does("addons:info", "waited-too")).toMatch(/State:\s+created/);
    });

    command("addons:upgrade and addons:downgrade change the plan", async () => {
      await does("addons:create", `${slug}:${first}`, "-a", "changes", "--name", "changed");
      expect(await does("addons:upgrade", "changed", second)).toContain("done");
      expect(await does("addons:info", "changed")).toContain(`${slug}:${second}`);
      await does("addons:downgrade", "changed", `${slug}:${first}`);
      await does("addons:upgrade", `${slug}:${second}`, "-a", "changes");
      expect(await does("addons:info", "changed")).toContain(`${slug}:${second}`);
      const unknown = await run("addons:upgrade", "changed", "no-such-plan");
      expect(unknown.code).not.toBe(0);
      expect(unknown.stderr).toContain(`${slug}:${first}`);
    });

    command("addons:open shows a page that signs the customer in", async () => {
      await does("addons:create", `${slug}:${first}`, "-a", "opens", "--name", "opened");
      const byName = (await run("addons:open", "opened", "--show-url")).stdout.trim();
      const byAttachment = (await run("addons:open", prefix, "-a", "opens", "--show-url")).stdout.trim();
      expect(byAttachment).toBe(byName);
      const page = await (await fetch(byName)).text();
      const inputs = page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
      const fields = new URLSearchParams([...inputs].map(([, field = "", value = ""]) => [field, value]));
      const [, action = ""] = /action="([^"]+)"/.exec(page) ?? [];
      const signedIn = await fetch(action, { method: "POST", body: fields, redirect: "manual" });
      expect([signedIn.status, signedIn.headers.get("location")]).toEqual([302, expect.stringContaining("/dashboard")]);
    });

    command("addons:open as a superuser writes a form of its own", async () => {
      await does("addons:create", `${slug}:${first}`, "-a", "sudo-opens", "--name", "sudo-opened");
      const env = { HEROKU_SUDO: "1", BROWSER: "true", PATH: `${process.env["PATH"]}` };
      expect((await cli.run(["addons:open", "sudo-opened", "-a", "sudo-opens"], env)).code).toBe(0);
      const folder = join(cli.home, "tmp");
      expect(await readdir(folder)).toContain("heroku-sso.html");
      expect(await readFile(join(folder, "heroku-sso.html"), "utf8")).toMatch(/user_scoped_resource_token/);
    });

    command("addons:attach, addons:detach and addons:rename", async () => {
      await does("addons:create", `${slug}:${first}`, "-a", "owns", "--name", "owned");
      expect(await does("addons:attach", "owned", "-a", "borrows", "--as", "LENT")).toMatch(/done, v2/);
      expect(await does("config", "-a", "borrows")).toContain("LENT_");
      await does("addons:create", `${slug}:${first}`, "-a", "owns", "--name", "owned-too");
      await run("addons:attach", "owned-too", "-a", "borrows", "--as", "LENT");
      expect(await does("addons:info", "owned-too")).not.toContain("borrows::LENT");
      await does("addons:attach", "owned-too", "-a", "borrows", "--as", "LENT", "--confirm", "borrows");
      expect(await does("addons:info", "owned-too")).toContain("borrows::LENT");
      expect(await does("addons:detach", "LENT", "-a", "borrows")).toContain("done");
      expect(await does("config", "-a", "borrows")).not.toContain("LENT_");
      expect(await does("addons:rename", "owned", "owned-anew")).toContain("renamed");
      expect(await does("addons:info", "owned-anew")).toContain("owns");
    });

    command("addons:destroy removes, with --confirm only", async () => {
      await does("addons:create", `${slug}:${first}`, "-a", "ends", "--name", "ended");
      await does("addons:create", `${slug}:${first}`, "-a", "ends", "--name", "ended-too");
      expect((await run("addons:destroy", slug, "-a", "ends", "--confirm", "ends")).stderr).toContain("Ambiguous");
      await run("addons:destroy", "ended", "-a", "ends");
      expect(await does("addons:info", "ended")).toMatch(/State:\s+created/);
      expect((await run("addons:destroy", "ended", "-a", "ends", "--confirm", "other")).code).not.toBe(0);
      expect(await does("addons:destroy", "ended", "-a", "ends", "--confirm", "ends", "--wait")).toContain("done");
      await does("addons:destroy", "ended-too", "-a", "ends", "--confirm", "ends", "--force");
      expect((await run("addons:info", "ended")).code).not.toBe(0);
      expect(await does("addons", "-a", "ends")).toContain("No add-ons");
      expect((await run("config", "-a", "ends")).stdout).not.toContain(`${prefix}_`);
    });

    command("usage:addons shows that there is no usage", async () => {
      expect(await does("usage:addons", "-a", "demo")).toContain("No usage found");
      expect(await does("usage:addons", "--team", "acme")).toContain("No usage found");
      expect(await does("usage:addons", "-a", "team-demo", "--team", "acme")).toContain("No usage found");
    });

    command("an unknown plan is an error that says so", async () => {
      const { code, stderr } = await run("addons:create", `${slug}:no-such-plan`, "-a", "demo");
      expect([code, stderr]).toEqual([2, expect.stringContaining("no-such-plan")]);
    });

    under.more?.(command, { does, run });

    command("after all that the provider did nothing wrong", async () => {
      expect(await verdicts()).toEqual([]);
    });
  });
}
