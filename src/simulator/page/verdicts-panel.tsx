import type { Verdict } from "../journal.ts";
import { Panel } from "./html.tsx";

export function VerdictsPanel({ verdicts }: { verdicts: readonly Verdict[] }) {
  return (
    <Panel id="verdicts" title="What the provider did wrong" live>
      {verdicts.length === 0 ? (
        <p class="quiet">Nothing so far.</p>
      ) : (
        <ul class="verdicts">
          {verdicts.map((verdict) => (
            <li>
              {verdict.sentence} <code>{verdict.rule}</code>{" "}
              {verdict.exchange !== null && <a href={`#exchange-${verdict.exchange}`}>exchange {verdict.exchange}</a>}
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
