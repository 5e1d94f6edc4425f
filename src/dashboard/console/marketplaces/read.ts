import { neverChangeable } from "../../../catalog/catalog.ts";
import { asProviderError, type Fault } from "../../../errors.ts";
import type { OperatorStore } from "../../../isolation/isolation.ts";
import type { ConsoleParts } from "../parts.ts";
import { type Difference, differences } from "./differences.ts";

/** When a marketplace last called, and when it last took a call of ours; ISO text. */
export interface Calls {
  readonly heard: string | null;
  readonly told: string | null;
}

export async function readCalls(
  store: OperatorStore,
  marketplaces: readonly string[],
): Promise<Readonly<Record<string, Calls>>> {
  const [row] = await store.throughDoor<{ calls: Readonly<Record<string, Calls>> | null }>({
    text: "select console_marketplaces($1) as calls",
    values: [marketplaces],
  });
  return row?.calls ?? {};
}

/** The manifest that this process read at its start against the file as it is now. */
export type ManifestCompared =
  | { readonly reads: true; readonly differences: readonly Difference[]; readonly warnings: readonly string[] }
  | { readonly reads: false; readonly faults: readonly Fault[] };

/** Never throws: a file that cannot be read is what is to be told. */
export async function compareManifest({ manifest }: Pick<ConsoleParts, "manifest">): Promise<ManifestCompared> {
  try {
    const { file } = await manifest.readFile();
    return {
      reads: true,
      differences: differences(manifest.inForce, file),
      warnings: neverChangeable(file, manifest.inForce),
    };
  } catch (thrown) {
    const { faults, message } = asProviderError(thrown);
    return { reads: false, faults: faults.length > 0 ? faults : [{ at: "", message }] };
  }
}
