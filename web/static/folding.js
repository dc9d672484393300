// Opens what a link, an address or a search leads to inside of what is folded; opens and closes all code at once.
"use strict";
{
  const open = (element) => {
    for (let fold = element?.closest("details.fold"); fold; fold = fold.parentElement.closest("details.fold")) fold.open = true;
  };

  // a place on this page, and what is folded right under a heading that is one
  function lead() {
    const place = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!place) return;
    const own = place.matches("section.deeper") && place.querySelector(":scope > details.fold-deeper");
    if (own) own.open = true;
    const closed = place.closest("details.fold:not([open])");
    open(place);
    if (closed) stay(place);
  }
  // what stands above a place may still change its height while the page is laid out: back to it, until the reader moves
  function stay(place) {
    const watch = new ResizeObserver(() => place.scrollIntoView());
    const leave = () => watch.disconnect();
    watch.observe(document.body);
    for (const move of ["wheel", "touchstart", "pointerdown", "keydown"]) addEventListener(move, leave, { once: true, passive: true });
    setTimeout(leave, 3000);
  }
  addEventListener("hashchange", lead);
  document.addEventListener("click", (event) => {
    // a link to where the reader already is changes no address
    if (event.target.closest?.("a")?.hash === location.hash) setTimeout(lead);
  });
  lead();
  // Sphinx marks the words of a search ten milliseconds after the page stands
  addEventListener("load", () => setTimeout(() => document.querySelectorAll("details.fold .highlighted").forEach(open), 10));

  // on paper all is open, also where the style sheet cannot do it
  let before = [];
  addEventListener("beforeprint", () => {
    before = [...document.querySelectorAll("details.fold:not([open])")];
    for (const fold of before) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of before) fold.open = false;
  });

  // ---- the switch for all code
  const button = document.querySelector(".code-switch"), codes = document.querySelectorAll("details.fold-code");
  function turn(shown) {
    button.setAttribute("aria-pressed", shown);
    for (const code of codes) code.open = shown;
  }
  button?.addEventListener("click", () => {
    const shown = button.getAttribute("aria-pressed") !== "true";
    try {
      localStorage.setItem("book:code", shown ? "shown" : "folded");
    } catch {}
    turn(shown);
  });
  try {
    if (localStorage.getItem("book:code") === "shown") turn(true);
  } catch {}
}
