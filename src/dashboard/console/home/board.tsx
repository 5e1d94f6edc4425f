import { Unseen } from "../../parts.tsx";
import { Moment } from "../../time.tsx";
import type { HomeView } from "./home-view.ts";
import { type Light, lightsOf, lightsOfService, type Tone, worst } from "./lights.ts";

const words: Readonly<Record<Tone, string>> = { good: "All well", wait: "Look soon", bad: "Look now" };

/** All lights. It is sent again as it is to whoever watches the page. */
export function Board({ view, now }: { view: HomeView; now: Date }) {
  const groups = [
    ...view.marketplaces.map((one) => ({ name: one.name, lights: lightsOf(one, now) })),
    { name: "This service", lights: lightsOfService(view, now) },
  ];
  const all = groups.flatMap(({ lights }) => lights);
  const troubles = all.filter(({ tone }) => tone !== "good").length;
  return (
    <>
      <section class={`status ${worst(all)}`} aria-label="In short">
        <p>
          <strong class="badge">{words[worst(all)]}</strong>{" "}
          {troubles === 0 ? "Nothing needs you." : `${troubles} of ${all.length} things want a look.`}
        </p>
      </section>
      <div class="boards">
        {groups.map((group) => (
          <Group key={group.name} {...group} />
        ))}
      </div>
      <p class="quiet">
        As of <Moment at={now} now={now} />
      </p>
    </>
  );
}

function Group({ name, lights }: { name: string; lights: readonly Light[] }) {
  const tone = worst(lights);
  const id = `board-${name.toLowerCase().replaceAll(/[^a-z]+/g, "-")}`;
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id} class="board-title">
        {titled(name)} <span class={`badge ${tone}`}>{words[tone]}</span>
      </h2>
      <dl class="lights">
        {lights.map((light) => (
          <div key={light.what} class={light.tone}>
            <dt>{light.at === undefined ? light.what : <a href={light.at}>{light.what}</a>}</dt>
            <dd>
              <Unseen>{`${words[light.tone]}: `}</Unseen>
              {light.says}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const titled = (name: string): string =>
  name === "aws" ? "AWS Marketplace" : `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
