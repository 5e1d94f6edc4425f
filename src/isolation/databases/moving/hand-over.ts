import type { Model } from "../names.ts";
import { together, within } from "../session.ts";
import { isLogin, rolesThere } from "../settle.ts";
import { giveBack, type Site, take } from "../site.ts";

/** What logins have made under their own names becomes the owner's, as it does when a login ends. */
export async function handOver(site: Site, model: Model): Promise<void> {
  const { names } = site;
  const logins = (await rolesThere(site)).filter((role) => isLogin(site, role));
  if (model === "pool" || logins.length === 0) return;
  const roles = [names.owner, ...logins];
  await within(site.open, model === "silo" ? names.database : undefined, (inside) =>
    together(inside, [
      // In one text: a settlement that ends meanwhile gives back what was taken before.
      ...take(site, roles),
      `reassign owned by ${logins.join(", ")} to ${names.owner}`,
      ...giveBack(site, roles),
    ]),
  );
}
