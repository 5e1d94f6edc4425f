/** Keeps the parts of a page fresh that say where their news come from. A person who is in the middle of one is not disturbed. */
export const liveScript = `"use strict";
for (const part of document.querySelectorAll("[data-live]")) {
  const source = new EventSource(part.dataset.live);
  source.addEventListener("part", (event) => {
    if (!part.contains(document.activeElement)) part.innerHTML = event.data;
  });
}
`;
