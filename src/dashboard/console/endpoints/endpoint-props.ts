import type { Person } from "../parts.ts";
import type { Notice } from "./notice.ts";
import type { EndpointRead } from "./read.ts";

/** What the page of one endpoint is made from. */
export interface EndpointProps {
  readonly read: EndpointRead;
  /** Only the attempts that failed are shown. */
  readonly failed: boolean;
  readonly first: boolean;
  readonly now: Date;
  readonly person: Person;
  readonly notice: Notice | undefined;
}
