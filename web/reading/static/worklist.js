// j and k move through the cases, Enter opens the one that has the focus: a link's own doing.
"use strict";
(() => {
  const links = [...document.querySelectorAll("a.case-link")];
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
    if (event.key !== "j" && event.key !== "k") return;
    const at = links.indexOf(document.activeElement);
    const next = event.key === "j" ? at + 1 : Math.max(at, 1) - 1;
    if (links[next]) { links[next].focus(); event.preventDefault(); }
  });
})();
