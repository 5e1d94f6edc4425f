import type { Tenant } from "../../../tenants/tenants.ts";
import { may, type Person } from "../parts.ts";
import { type ActName, acts } from "./acts.ts";

const shown: readonly ActName[] = ["view", "suspend", "resume", "rotate", "change_plan", "deprovision"];

/** What the operator may do to the tenant as it is now. Each leads to a page that asks once more. */
export function ActBar({ tenant, person }: { tenant: Tenant; person: Person }) {
  const possible = shown.filter((name) => acts[name].states.includes(tenant.state) && may(person, acts[name].role));
  if (possible.length === 0) return null;
  return (
    <nav class="deeds" aria-label="What may be done">
      {possible.map((name) => (
        <a key={name} class={acts[name].danger ? "button danger" : "button"} href={actPath(tenant.id, name)}>
          {acts[name].title}
        </a>
      ))}
    </nav>
  );
}

export const actPath = (tenant: string, act: ActName): string => `/console/tenants/${tenant}/acts/${act}`;
