import Sequencer from "@jest/test-sequencer";

/** Files that wait for processes and browsers. Begun last, one of them would be all that still runs. */
const LONG =
  /\/(soak|embedded|endpoint-failures|move-|aws-(histories|crash)|metering-model|rotate-)|browser|dashboard-credentials/;

/** Without the times of an earlier run, as in a fresh clone, Jest goes by the size of a file, which says little of its time. */
// biome-ignore lint/style/noDefaultExport: Jest takes the default export.
export default class LongFilesFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => (LONG.test(path) ? 0 : 1);
    return super.sort(tests).sort((one, other) => rank(one) - rank(other));
  }
}
