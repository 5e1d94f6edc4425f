import { Card } from "../../parts.tsx";
import type { Difference } from "./differences.ts";
import type { ManifestCompared } from "./read.ts";

/** The manifest in force against the file. */
export function ManifestCard({ compared }: { compared: ManifestCompared }) {
  return (
    <Card
      id="manifest"
      title="Manifest"
      intro="The one in force, which this process read at its start, against the file as it is now. A change needs a restart."
    >
      {compared.reads ? <Compared {...compared} /> : <Broken {...compared} />}
    </Card>
  );
}

function Compared({ differences, warnings }: ManifestCompared & { readonly reads: true }) {
  if (differences.length === 0) return <p>The file and the manifest in force are the same.</p>;
  return (
    <>
      {warnings.length === 0 ? null : (
        <ul class="notice warn">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <ul class="next">
        {differences.map((one) => (
          <li key={one.at}>
            <code>{one.at || "/"}</code>
            <p>
              <span class="quiet">In force:</span> {shown(one, one.before)}
            </p>
            <p>
              <span class="quiet">In the file:</span> {shown(one, one.after)}
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}

function Broken({ faults }: ManifestCompared & { readonly reads: false }) {
  return (
    <>
      <p class="notice bad">
        The file is not usable as it is now: a restart would not succeed. What is in force goes on until then.
      </p>
      <ul class="next">
        {faults.map(({ at, message }) => (
          <li key={`${at} ${message}`}>
            <code>{at || "/"}</code> {message}
          </li>
        ))}
      </ul>
    </>
  );
}

const SECRET = /password|salt|secret|token/i;
const HIDDEN = "[hidden]";
const LONGEST = 300;

/** A value of the file; what is secret is hidden, also inside of it. */
function shown({ at }: Difference, value: unknown): string {
  if (value === undefined) return "absent";
  if (SECRET.test(at)) return HIDDEN;
  const text = JSON.stringify(value, (name, member) => (SECRET.test(name) ? HIDDEN : member));
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
