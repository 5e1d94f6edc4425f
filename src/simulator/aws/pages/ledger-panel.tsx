import { Panel } from "../../page/html.tsx";
import type { BilledRecord } from "../metering/ledger.ts";
import type { Aws } from "../model/world.ts";

const SHOWN = 50;

/** What AWS holds for the bill: the first quantity of each hour, newest hour first. */
export function LedgerPanel({ aws }: { aws: Aws }) {
  const billed = [...aws.state.ledger.billed()].sort((a, b) => b.hour.getTime() - a.hour.getTime());
  return (
    <Panel id="aws-ledger" title="Billed usage" live>
      {billed.length === 0 && <p class="quiet">Nothing yet: usage of an hour is sent when the hour is over.</p>}
      {billed.length > 0 && <LedgerTable records={billed.slice(0, SHOWN)} />}
      {billed.length > SHOWN && (
        <p class="quiet">
          {billed.length - SHOWN} older records are at <a href="/_aws/ledger">/_aws/ledger</a>.
        </p>
      )}
    </Panel>
  );
}

function LedgerTable({ records }: { records: readonly BilledRecord[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Hour (UTC)</th>
          <th scope="col">Dimension</th>
          <th scope="col" class="number">
            Quantity
          </th>
          <th scope="col">Account</th>
          <th scope="col">Region</th>
        </tr>
      </thead>
      <tbody>
        {records.map((record) => (
          <tr>
            <td class="time">{record.hour.toISOString().slice(5, 16).replace("T", " ")}</td>
            <td>{record.dimension}</td>
            <td class="number">{record.quantity.toLocaleString("en")}</td>
            <td>
              {record.account}
              {record.generation === "legacy" && " (legacy)"}
            </td>
            <td>{record.region}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
