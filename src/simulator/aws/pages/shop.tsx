import { Panel } from "../../page/html.tsx";
import type { Aws } from "../model/world.ts";

export function shopSection(aws: Aws) {
  return (
    <Panel id="aws" title="AWS Marketplace" live>
      <p class="quiet">{aws.state.products.length} products</p>
    </Panel>
  );
}
