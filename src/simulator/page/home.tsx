import type { VNode } from "preact";
import type { Controls } from "../control.ts";
import { ClockPanel } from "./clock-panel.tsx";
import { ExchangesPanel } from "./exchanges-panel.tsx";
import { FaultsPanel } from "./faults-panel.tsx";
import { Document, renderDocument } from "./html.tsx";
import { VerdictsPanel } from "./verdicts-panel.tsx";

/** The one page: what is sold and bought on the left, what passed between the two sides on the right. */
export function homePage({ clock, faults, journal }: Controls, sections: readonly VNode[]): string {
  return renderDocument(
    <Document title="Marketplace simulator" script="refresh.js">
      <header class="top">
        <h1>Marketplace simulator</h1>
        <nav aria-label="Parts of the page">
          <a href="#buy">Heroku</a>
          <a href="#aws">AWS Marketplace</a>
          <a href="#clock">Clock</a>
          <a href="#faults">Faults</a>
          <a href="#verdicts">Verdicts</a>
          <a href="#exchanges">Exchanges</a>
        </nav>
        <form method="post" action="/_reset">
          <button type="submit">Reset everything</button>
        </form>
      </header>
      <main class="columns">
        <div class="column" id="shop">
          {sections}
          <ClockPanel now={clock.now()} />
          <FaultsPanel faults={faults} />
        </div>
        <div class="column">
          <VerdictsPanel verdicts={journal.verdicts()} />
          <ExchangesPanel exchanges={journal.exchanges()} />
        </div>
      </main>
    </Document>,
  );
}
