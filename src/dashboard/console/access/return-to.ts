/** Pages of ours, in plain characters: no second slash that a browser could take for another host. */
const OWN_PAGE = /^\/console(?:\/[\w.~:%-]+)*\/?(?:\?[\w.~:%=&+-]*)?$/;

/** Where to go after the sign-in: a page of the console, whatever was asked for. */
export function returnTo(wanted: unknown): string {
  const usable = typeof wanted === "string" && wanted.length <= 500 && OWN_PAGE.test(wanted);
  return usable && !wanted.startsWith("/console/sign-") && !wanted.includes("/..") ? wanted : "/console";
}
