const said: Readonly<Record<string, string>> = {
  change_plan: "change of plan",
  given_up: "given up",
  deprovision: "removal",
};

/** A name from the database as a reader sees it. */
export function words(name: string): string {
  return said[name] ?? name.replace(/^[a-z]+:/, "").replaceAll(/[-_]/g, " ");
}
