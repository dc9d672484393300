// What all figures share: sliders and handles are two views of the state, and what changes it
// redraws. Before this file stands `kind`, which a figure's own file defines. It is given the data
// of the figure, and gives `picture`, a function of the state and the panels, which gives
//   marks     attributes of what moves, by name
//   facts     numbers by name
//   outs      words beside sliders
//   said      a sentence
// and, where there are such,
//   handle    the panel under the handle
//   curves    what the pointer reads: {panel, from, by, unit, rows: {name: values}, time}; x is from
//             + by * index, counted in `unit`, and where `time` is set it is the step shown
//   dots      the points of a path on the first panel: {points, from} in pixels; step t leads to t
//   height    of a handle that only moves aside, a function of its x
//   each      what `worked` gave for the rule in sight
//   last      the last step that there is
// Beside it may stand `best`, the state in which the goal is reached.

function wire(root) {
  root.setAttribute("data-on", "");
  const all = (selector) => [...root.querySelectorAll(selector)];
  const one = (selector) => root.querySelector(selector);
  for (const node of all("[data-copy]"))
    for (const lines of all(`[data-mark="${node.dataset.copy}"] > svg > .x-contour`)) node.append(lines.cloneNode(true));
  const spec = JSON.parse(one("script").textContent), figure = kind(spec.data), state = { ...spec.state };
  const marks = new Map(), outs = new Map(all("[data-out]").map((node) => [node.dataset.out, node]));
  for (const node of all("[data-mark]")) marks.set(node.dataset.mark, [...(marks.get(node.dataset.mark) || []), node]);
  const sliders = all("input, select"), handle = one(".x-handle"), picks = all(".x-pick");
  const plots = all(".x-plot"), done = one(".x-done"), said = one(".x-said");
  const scale = (slider) => scales[slider.dataset.scale];
  const value = (slider, p = Number(slider.value)) =>
    slider.dataset.values ? slider.dataset.values.split(" ")[p] : scale(slider).value(p, Number(slider.min));
  let picture = {}, timer = 0;
  const put = (node, key, text) => { if (node.getAttribute(key) !== text) node.setAttribute(key, text); };
  const write = (node, text) => { if (node) rewrite(node, text); };
  const clamp = (v, [low, high]) => Math.min(high, Math.max(low, v));

  function redraw() {
    picture = figure.picture(state, spec.panels);
    for (const [name, mark] of Object.entries(picture.marks))
      for (const node of marks.get(name) || [])
        for (const [key, text] of Object.entries(typeof mark === "string" ? { d: mark } : mark)) put(node, key, text);
    for (const [name, text] of Object.entries(picture.outs)) write(outs.get(name), text);
    for (const slider of sliders) show(slider);
    for (const pick of picks)
      for (const button of pick.querySelectorAll("button"))
        put(button, "aria-pressed", String(Number(button.dataset.value) === state[pick.dataset.name]));
    if (handle) follow(picture.handle || spec.panels[0]);
    if (picture.each) {
      for (const rule of all(".x-rule")) rule.hidden = rule.dataset.rule !== picture.each.name;
      if (picture.each.weights) fill(all(".x-rule").find((rule) => !rule.hidden), picture.each.weights);
      if ("weight" in state) put(one(".x-working"), "data-weight", String(state.weight));
    }
    const reached = holds();
    if (done) done.hidden = !reached;
    clearTimeout(timer); // a screen reader hears the sentence once the reader pauses
    timer = setTimeout(() => write(said, (reached ? "Goal reached. " : "") + picture.said), 250);
  }

  function holds() {
    const facts = { ...state, ...picture.facts }, fact = (side) => (typeof side === "number" ? side : facts[side]);
    const compare = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b };
    return spec.reached.length > 0 && spec.reached.every(([a, sign, b]) => compare[sign](fact(a), fact(b)));
  }

  function show(slider) {
    const { name } = slider.dataset, now = name === "t" ? Math.min(state.t, Math.max(1, end())) : state[name];
    if (slider.tagName === "SELECT") return void (slider.value = now);
    slider.value = slider.dataset.values ? now : scale(slider).position(now, Number(slider.min));
    const memory = slider.dataset.scale === "memory"; // 0.9999 is not 1
    const text = (memory ? String(Number(now.toPrecision(6))) : number(Number(slider.dataset.values ? value(slider, now) : now))) + (slider.dataset.unit || "");
    put(slider, "aria-valuetext", text);
    write(outs.get(`= ${name}`), text);
  }

  function take(slider) {
    const { name, values } = slider.dataset, choice = (spec.choices || {})[name];
    state[name] = slider.tagName === "SELECT" || values ? Number(slider.value) : value(slider);
    if (choice) Object.assign(state, choice[state[name]]);
    if (name === "t") stop();
    touched();
  }

  function touched() {
    root.setAttribute("data-touched", "");
    write(one(".x-note"), "");
    redraw();
  }

  // A finger on a slider may be about to scroll the page: it sets nothing before it has moved sideways or is lifted.
  for (const slider of sliders) {
    let finger = null;
    slider.addEventListener("pointerdown", (event) => { if (event.pointerType === "touch") finger = event; });
    slider.addEventListener("pointermove", (event) => {
      const aside = finger && Math.abs(event.clientX - finger.clientX);
      if (finger && aside > 6 && aside > Math.abs(event.clientY - finger.clientY)) finger = null;
    });
    slider.addEventListener("pointerup", () => { if (finger) { finger = null; take(slider); } });
    slider.addEventListener("pointercancel", () => { if (finger) { finger = null; show(slider); } });
    slider.addEventListener("input", () => { if (!finger) take(slider); });
    slider.addEventListener("change", () => { finger = null; take(slider); });
  }
  for (const pick of picks)
    pick.addEventListener("click", ({ target }) => {
      if (!target.dataset.value) return;
      state[pick.dataset.name] = Number(target.dataset.value);
      redraw();
    });

  // ---- time

  const steps = "t" in state ? Number(sliders.find((slider) => slider.dataset.name === "t").max) : 0;
  const end = () => Math.min(steps, picture.last ?? steps);
  let playing = 0, fixed = null; // fixed: the step to go back to when the pointer leaves
  function go(t) {
    state.t = clamp(t, [1, Math.max(1, end())]);
    redraw();
  }
  function stop() {
    clearTimeout(playing);
    playing = 0;
    fixed = null;
    if (!steps) return;
    root.removeAttribute("data-playing");
    one(".x-play").setAttribute("aria-label", "Play");
  }
  function play() {
    if (state.t >= end()) go(1);
    root.setAttribute("data-playing", "");
    root.setAttribute("data-touched", "");
    one(".x-play").setAttribute("aria-label", "Pause");
    const pace = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1200 : Math.max(80, Math.min(600, 15000 / steps));
    const tick = () => {
      if (state.t >= end() || document.hidden || !root.isConnected) return stop();
      go(state.t + 1);
      playing = setTimeout(tick, pace);
    };
    playing = setTimeout(tick, 200);
  }
  if (steps) {
    one(".x-play").addEventListener("click", () => (playing ? stop() : play()));
    one(".x-back").addEventListener("click", () => { stop(); go(state.t - 1); });
    one(".x-forth").addEventListener("click", () => { stop(); go(state.t + 1); });
  }

  // ---- the pointer over a picture: it reads the curves, and shows the step it points at; a click keeps that

  // Where the pointer is, in the pixels of the axes of plot i.
  function local(event, i) {
    const panel = i === 0 && picture.handle ? picture.handle : spec.panels[i], [left, top, width, height] = panel.frame;
    const box = plots[i].getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width - left, y = ((event.clientY - box.top) / box.height) * height - top;
    return { panel, x, y, inside: x >= -4 && y >= 0 && x <= panel.w + 4 && y <= panel.h };
  }

  const peek = (t) => { if (fixed === null) fixed = state.t; if (t !== state.t) go(t); };
  const unpeek = () => { if (fixed !== null) { const t = fixed; fixed = null; if (t !== state.t) go(t); } };

  function nearest(x, y) {
    const { points, from } = picture.dots || { points: [] };
    let found = -1, best = 100;
    points.forEach((p, i) => {
      const far = (p[0] - x) ** 2 + (p[1] - y) ** 2;
      if (far < best) [best, found] = [far, i];
    });
    return found < 0 ? 0 : Math.max(1, found + from);
  }

  function read(i, { panel, x }) {
    const own = picture.curves.find((curves) => curves.panel === i), count = Math.max(...Object.values(own.rows).map((row) => row.length));
    const across = (at) => own.from + at * (own.by || 1), far = (at) => Math.abs(place(panel)([across(at), 1])[0] - x);
    let at = 0;
    for (let k = 1; k < count; k++) if (far(k) < far(at)) at = k;
    if (own.time && !playing) peek(Math.max(1, own.from + at));
    const readings = Object.entries(own.rows).filter(([, row]) => row[at] !== undefined && row[at] !== null)
      .map(([name, row]) => `${name} ${number(row[at])}`);
    const px = place(panel)([across(at), 1])[0], head = own.unit ? `${number(across(at))} ${own.unit}` : `step ${across(at)}`;
    const tip = plots[i].querySelector(".x-tip") || plots[i].appendChild(Object.assign(document.createElement("div"), { className: "x-tip" }));
    write(tip, `${head}: ${readings.join(" · ") || "diverged"}`);
    const share = (panel.frame[0] + px) / panel.frame[2];
    tip.style.cssText = share < 0.5 ? `left:${100 * share}%` : `right:${100 * (1 - share)}%`;
    tip.dataset.side = share < 0.5 ? "left" : "right";
  }

  plots.forEach((plot, i) => {
    const readable = () => (picture.curves || []).some((curves) => curves.panel === i);
    let down = null;
    plot.addEventListener("pointerdown", (event) => { down = event; });
    plot.addEventListener("pointermove", (event) => {
      if (handle?.hasPointerCapture(event.pointerId)) return;
      const at = local(event, i), mouse = event.pointerType === "mouse";
      const aside = down && event.buttons && Math.abs(event.clientX - down.clientX) > Math.max(6, Math.abs(event.clientY - down.clientY));
      if (!mouse && !aside) return;
      if (readable() && at.inside) {
        read(i, at);
        if (event.buttons) fixed = null;
      } else if (i === 0 && steps && !playing && mouse) {
        const t = nearest(at.x, at.y);
        plot.style.cursor = t ? "pointer" : "";
        if (t) peek(t);
        else unpeek();
      }
    });
    plot.addEventListener("pointerleave", () => { plot.querySelector(".x-tip")?.remove(); if (!playing) unpeek(); down = null; });
    plot.addEventListener("click", (event) => {
      if (event.target === handle) return;
      const at = local(event, i);
      if (readable() && at.inside) {
        read(i, at);
        const { t } = state;
        if (picture.curves.find((curves) => curves.panel === i).time) { stop(); state.t = t; redraw(); }
      } else if (i === 0 && at.inside) {
        const t = steps ? nearest(at.x, at.y) : 0;
        if (t) { stop(); go(t); }
        else if (handle) moveTo(at);
      }
    });
  });

  // ---- a handle moves two values of the state: by pointer, by a click beside it, by the keys

  function follow(panel) {
    const [left, top, width, height] = panel.frame, { x: nameX, y: nameY } = handle.dataset;
    const [x, y] = place(panel)([state[nameX], nameY ? state[nameY] : picture.height(state[nameX])]);
    handle.style.left = `${(100 * (left + clamp(x, [0, panel.w]))) / width}%`;
    handle.style.top = `${(100 * (top + clamp(y, [0, panel.h]))) / height}%`;
    put(handle, "aria-valuenow", String(state[nameX]));
    put(handle, "aria-valuetext", [nameX, nameY].filter(Boolean).map((name) => `${name} ${number(state[name])}`).join(", "));
  }

  function move(x, y) {
    const panel = picture.handle || spec.panels[0], { x: nameX, y: nameY } = handle.dataset;
    const tidy = (v, [low, high], limits) => clamp(Number(v.toFixed(high - low > 5 ? 1 : 2)), limits || [low, high]);
    state[nameX] = tidy(x, panel.x, panel.limits && panel.limits[0]);
    if (nameY) state[nameY] = tidy(y, panel.y, panel.limits && panel.limits[1]);
    touched();
  }

  const moveTo = ({ panel, x, y }) => move(
    panel.x[0] + (x / panel.w) * (panel.x[1] - panel.x[0]), panel.y[1] - (y / panel.h) * (panel.y[1] - panel.y[0]));

  if (handle) {
    let off = [0, 0]; // from the pointer to the middle of the handle
    handle.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      const box = handle.getBoundingClientRect();
      off = [box.left + box.width / 2 - event.clientX, box.top + box.height / 2 - event.clientY];
      handle.setPointerCapture(event.pointerId);
      handle.focus({ preventScroll: true });
      event.preventDefault();
    });
    handle.addEventListener("pointermove", (event) => {
      if (handle.hasPointerCapture(event.pointerId))
        moveTo(local({ clientX: event.clientX + off[0], clientY: event.clientY + off[1] }, 0));
    });
    handle.addEventListener("keydown", (event) => {
      const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1], Home: [-100, 0], End: [100, 0], PageUp: [0, 10], PageDown: [0, -10] };
      const way = ways[event.key];
      if (!way) return;
      event.preventDefault();
      event.stopPropagation();
      const panel = picture.handle || spec.panels[0], [x, y] = way.map((v) => v * (event.shiftKey ? 0.1 : 0.01)), { dataset } = handle;
      move(state[dataset.x] + x * (panel.x[1] - panel.x[0]), dataset.y ? state[dataset.y] + y * (panel.y[1] - panel.y[0]) : 0);
    });
  }

  // ---- buttons

  const grid = (name, by) => {
    const slider = sliders.find((each) => each.dataset.name === name), values = [];
    for (let p = Number(slider.min); p <= Number(slider.max); p += by) values.push(value(slider, p));
    return values;
  };
  one(".x-reset").addEventListener("click", () => {
    stop();
    Object.assign(state, spec.state);
    touched();
  });
  one(".x-best")?.addEventListener("click", () => {
    stop();
    Object.assign(state, spec.best || figure.best(state, grid));
    touched();
    if (done && !holds()) write(one(".x-note"), "The best of these sliders, and not enough: something else must change, too.");
  });
  if ("weight" in state) // two weights may not fit
    new ResizeObserver(([{ contentRect }], watch) => {
      watch.disconnect();
      if (contentRect.width >= 560) return;
      state.weight = spec.state.weight = 0;
      redraw();
    }).observe(root);
  for (const node of all(".x-controls, .x-handle, .x-working [hidden]:not(.x-rule)")) node.hidden = false;
  for (const node of all("[data-still]")) node.remove();
  addEventListener("pageshow", () => sliders.forEach(show)); // a browser may have put them where they were
  redraw();
}

document.querySelectorAll(".explorable:not([data-on])").forEach(wire);
