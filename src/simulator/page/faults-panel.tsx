import { type FaultName, type FaultSetting, type Faults, faultFacts, faultNames } from "../faults.ts";
import { Panel } from "./html.tsx";

const ofAws = (name: FaultName): boolean => name.startsWith("aws_");

const GROUPS = [
  { title: "Heroku", names: faultNames.filter((name) => !ofAws(name)) },
  { title: "AWS", names: faultNames.filter(ofAws) },
];

export function FaultsPanel({ faults }: { faults: Faults }) {
  return (
    <Panel id="faults" title="Faults">
      {GROUPS.map(({ title, names }) => (
        <details id={`faults-${title.toLowerCase()}`} open={names.some((name) => faults.get(name) !== null)}>
          <summary>{title}</summary>
          <ul class="faults">
            {names.map((name) => (
              <Fault name={name} setting={faults.get(name)} />
            ))}
          </ul>
        </details>
      ))}
    </Panel>
  );
}

/** A switch; leaving "How often" empty keeps the fault on until it is switched off. */
function Fault({ name, setting }: { name: FaultName; setting: FaultSetting | null }) {
  const { does, unit, usual } = faultFacts[name];
  return (
    <li class={setting ? "fault on" : "fault"}>
      <p id={`fault-${name}`}>
        <strong>{name}</strong> {does}
      </p>
      <form class="row" method="post" action="/_faults" aria-describedby={`fault-${name}`}>
        <input type="hidden" name="fault" value={name} />
        {unit !== "" && (
          <label>
            {unit}
            <input type="number" name="value" value={setting?.value ?? usual} class="short" />
          </label>
        )}
        <label>
          how often
          <input type="number" name="times" min="1" value={setting?.times ?? ""} placeholder="always" class="short" />
        </label>
        <button type="submit" name="switch" value="on" aria-pressed={setting !== null}>
          {setting ? "Change" : "Switch on"}
        </button>
        {setting && (
          <button type="submit" name="switch" value="off">
            Switch off
          </button>
        )}
      </form>
    </li>
  );
}
