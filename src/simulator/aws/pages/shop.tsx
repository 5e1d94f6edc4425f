import type { Aws } from "../model/world.ts";
import { AgreementsPanel } from "./agreements-panel.tsx";
import { BuyPanel } from "./buy-panel.tsx";
import { LedgerPanel } from "./ledger-panel.tsx";
import { MessagesPanel } from "./messages-panel.tsx";

/** AWS's part of the page: buy, what was bought, what the provider was told, and what it billed. */
export function shopSection(aws: Aws) {
  const { notice } = aws.state;
  return (
    <>
      <div id="aws-notice" data-live>
        {notice !== null && (
          <p class="notice" role="status">
            {notice}
          </p>
        )}
      </div>
      <BuyPanel aws={aws} />
      <AgreementsPanel aws={aws} />
      <MessagesPanel aws={aws} />
      <LedgerPanel aws={aws} />
    </>
  );
}
