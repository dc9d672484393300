// What a word of the glossary means, or what is cited, beside the link: under the pointer, with the focus, and at a first touch.
"use strict";
if ("popover" in HTMLElement.prototype) {
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.popover = "manual";
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);
  let shown = null, timer;

  const links = document.querySelectorAll("article a.glossary-term, article a.internal[href*='references.html#'][title]");
  for (const link of links) {
    const meaning = document.getElementById(`tip-${link.hash.slice(1)}`);
    const text = link.title;
    if (!meaning && !text) continue;
    link.removeAttribute("title"); // or the browser shows it besides

    const show = () => {
      clearTimeout(timer);
      if (shown === link) return;
      hide();
      tip.replaceChildren(meaning ? meaning.content.cloneNode(true) : text);
      shown = link;
      link.setAttribute("aria-describedby", "tip");
      tip.showPopover();
      const at = link.getClientRects()[0], { width, height } = tip.getBoundingClientRect();
      tip.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
      tip.style.top = `${at.bottom + height + 8 < innerHeight ? at.bottom + 4 : at.top - height - 4}px`;
    };
    link.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") timer = setTimeout(show, 250);
    });
    link.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && later());
    link.addEventListener("focus", () => link.matches(":focus-visible") && show());
    link.addEventListener("blur", hide);
    // a first touch shows, a second one follows the link
    link.addEventListener("click", (event) => {
      if (event.pointerType !== "touch" || shown === link) return;
      event.preventDefault();
      show();
    });
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(hide, 200); // time to move the pointer onto it
  }
  function hide() {
    clearTimeout(timer);
    if (!shown) return;
    shown.removeAttribute("aria-describedby");
    shown = null;
    tip.hidePopover();
  }
  tip.addEventListener("pointerenter", () => clearTimeout(timer));
  tip.addEventListener("pointerleave", later);
  addEventListener("scroll", hide, { passive: true });
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
  addEventListener("pointerdown", (event) => shown && !shown.contains(event.target) && !tip.contains(event.target) && hide());
}
