// Marks at what was read and reached. They stand in the reader's own browser, and are sent nowhere.
"use strict";
{
  const DWELL = 800; // milliseconds in sight
  const load = () => {
    try {
      return JSON.parse(localStorage.getItem("book:places")) ?? {};
    } catch {
      return {};
    }
  };
  const name = (path) => path.split("/").pop().replace(/\.html$/, "");
  const chapter = /^\d\d-/;
  const here = name(location.pathname);
  const page = (all) => (all[here] ??= { read: [], of: 0, reached: [] });
  const change = (what) => {
    const all = load();
    what(page(all));
    try {
      localStorage.setItem("book:places", JSON.stringify(all));
    } catch {}
    mark();
  };

  // ---- what is marked: chapters in the contents, and sections in those of this page
  const put = (link, sign, said) => {
    let mark = link.querySelector(".read-mark");
    if (!sign) return mark?.remove();
    if (!mark) link.append((mark = Object.assign(document.createElement("span"), { className: "read-mark" })));
    mark.textContent = sign;
    mark.setAttribute("aria-label", said);
    mark.setAttribute("role", "img");
  };
  function mark() {
    const all = load();
    for (const link of document.querySelectorAll(".bd-links .toctree-l1 > a")) {
      const there = name(new URL(link.href).pathname), { read = [], of = 0 } = all[there] ?? {};
      if (chapter.test(there)) put(link, read.length ? (read.length < of ? "◐" : "✓") : "", read.length < of ? "partly read" : "read");
    }
    for (const link of document.querySelectorAll(".bd-toc-nav .toc-h2 > a")) {
      put(link, all[here]?.read.includes(link.hash.slice(1)) ? "✓" : "", "read");
    }
    const any = Object.keys(all).length > 0;
    let note = document.querySelector(".places-note");
    if (!any) note?.remove();
    else if (!note) {
      note = Object.assign(document.createElement("p"), { className: "places-note" });
      const forget = Object.assign(document.createElement("button"), { type: "button", textContent: "Forget them" });
      forget.addEventListener("click", () => {
        for (const key of Object.keys(localStorage)) if (/^book:(places|said:)/.test(key)) localStorage.removeItem(key);
        mark();
      });
      note.append("What you have read, reached and answered is kept in this browser alone. ", forget);
      document.querySelector(".bd-sidebar-primary .sidebar-primary-items__start")?.append(note);
    }
  }

  if (chapter.test(here)) {
    const sections = [...document.querySelectorAll("article > section > section[id]")];
    const waiting = new Map();
    const seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const section = target.closest("article > section > section");
        clearTimeout(waiting.get(section));
        if (!isIntersecting) continue;
        const read = () => {
          change((places) => {
            places.of = sections.length;
            if (!places.read.includes(section.id)) places.read.push(section.id);
            places.last = sections[Math.min(sections.indexOf(section) + 1, sections.length - 1)].id;
          });
        };
        waiting.set(section, setTimeout(read, DWELL));
      }
    });
    for (const section of sections) seen.observe(section.lastElementChild);

    // ---- goals of figures
    const figures = [...document.querySelectorAll("article .explorable")];
    const { reached = [], read = [], last } = load()[here] ?? {};
    figures.forEach((figure, number) => {
      const badge = figure.querySelector(".x-done");
      if (!badge) return;
      if (reached.includes(number)) {
        const before = Object.assign(document.createElement("span"), { className: "reached-before", textContent: "reached before" });
        badge.after(" ", before);
      }
      new MutationObserver(() => {
        if (!badge.hidden) change((places) => places.reached.includes(number) || places.reached.push(number));
      }).observe(badge, { attributes: true, attributeFilter: ["hidden"] });
    });

    // ---- on where the reader stopped
    const next = last && read.length < sections.length && document.querySelector(`#${CSS.escape(last)} > h2`);
    if (next && !location.hash) {
      const on = Object.assign(document.createElement("a"), { href: `#${last}`, className: "go-on" });
      const title = next.cloneNode(true);
      title.querySelector(".headerlink")?.remove();
      on.textContent = `Go on: ${title.textContent.trim()}`;
      document.querySelector(".top-line")?.append(on);
    }
  }
  mark();
}
