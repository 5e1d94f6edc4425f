/** Sends the sign-in form without a click; without it the page's button does. */
export const submitScript = `document.forms[0].submit();
`;

/** Keeps the live parts of the page fresh, except where somebody is at work; opened exchanges stay open. */
export const refreshScript = `const EVERY_MS = 2000;

function renew(part, page) {
  const next = page.getElementById(part.id);
  if (!next || part.contains(document.activeElement)) return;
  for (const opened of part.querySelectorAll("details[open]")) {
    const twin = opened.id && next.querySelector("#" + CSS.escape(opened.id));
    if (twin) twin.open = true;
  }
  if (part.innerHTML !== next.innerHTML) part.innerHTML = next.innerHTML;
}

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch("/");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) renew(part, page);
}

function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target instanceof HTMLDetailsElement) target.open = true;
}

addEventListener("hashchange", openTarget);
openTarget();
setInterval(() => refresh().catch(() => undefined), EVERY_MS);
`;
