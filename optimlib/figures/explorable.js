// What all figures share: sliders and handles are two views of the state, and what changes it
// redraws. Before this file stands `kind`, which a figure's own file defines. It is given the data of
// the figure, and gives `picture`, a function of the state: marks (attributes of what moves), facts
// (numbers by name), outs (words beside sliders), said (a sentence); and, where there is one, `best`,
// the state in which the goal is reached.

function wire(root) {
  root.setAttribute("data-on", "");
  const all = (selector) => [...root.querySelectorAll(selector)];
  const spec = JSON.parse(root.querySelector("script").textContent);
  const figure = kind(spec.data), state = { ...spec.state };
  const named = (nodes, key) => new Map(nodes.map((node) => [node.dataset[key], node]));
  const marks = named(all("[data-mark]"), "mark"), outs = named(all("[data-out]"), "out");
  const sliders = all("input, select"), handle = root.querySelector(".x-handle");
  const [done, said] = [".x-done", ".x-said"].map((selector) => root.querySelector(selector));
  const scale = (slider) => scales[slider.dataset.scale];
  const value = (slider, p = Number(slider.value)) =>
    slider.dataset.values ? slider.dataset.values.split(" ")[p] : scale(slider).value(p, Number(slider.min));
  let box = spec.panels[0], timer = 0;

  function redraw() {
    const picture = figure.picture(state, spec.panels);
    for (const [name, mark] of Object.entries(picture.marks))
      for (const [key, text] of Object.entries(typeof mark === "string" ? { d: mark } : mark))
        if (marks.get(name).getAttribute(key) !== text) marks.get(name).setAttribute(key, text);
    for (const [name, text] of Object.entries(picture.outs)) outs.get(name).textContent = text;
    for (const slider of sliders) show(slider);
    if (handle) follow(picture.handle || spec.panels[0]);
    const facts = { ...state, ...picture.facts }, fact = (side) => (typeof side === "number" ? side : facts[side]);
    const holds = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b };
    const reached = spec.reached.length > 0 && spec.reached.every(([a, sign, b]) => holds[sign](fact(a), fact(b)));
    if (done) done.hidden = !reached;
    clearTimeout(timer); // a screen reader hears the sentence once the reader pauses
    timer = setTimeout(() => (said.textContent = (reached ? "Goal reached. " : "") + picture.said), 150);
  }

  function show(slider) {
    const now = state[slider.dataset.name];
    if (slider.tagName === "SELECT") return void (slider.value = now);
    slider.value = slider.dataset.values ? now : scale(slider).position(now, Number(slider.min));
    const text = number(Number(slider.dataset.values ? value(slider, now) : now)) + (slider.dataset.unit || "");
    slider.setAttribute("aria-valuetext", text);
    outs.get(`= ${slider.dataset.name}`).textContent = text;
  }

  for (const slider of sliders)
    slider.addEventListener("input", () => {
      const { name, values } = slider.dataset, choice = spec.choices[name];
      state[name] = slider.tagName === "SELECT" || values ? Number(slider.value) : value(slider);
      if (choice) Object.assign(state, choice[state[name]]);
      redraw();
    });

  // A handle moves two values of the state: by pointer, and by arrow keys (with shift ten times as far).
  const keep = (v, [low, high]) => Math.min(high, Math.max(low, v));

  function follow(panel) {
    box = panel;
    const [x, y] = place(panel)([state[handle.dataset.x], state[handle.dataset.y]]), [left, top, width, height] = spec.frame;
    handle.style.left = `${(100 * (left + keep(x, [0, panel.w]))) / width}%`;
    handle.style.top = `${(100 * (top + keep(y, [0, panel.h]))) / height}%`;
    const { x: nameX, y: nameY } = handle.dataset;
    handle.setAttribute("aria-valuenow", state[nameX]);
    handle.setAttribute("aria-valuetext", `${nameX} ${number(state[nameX])}, ${nameY} ${number(state[nameY])}`);
  }

  function put(x, y) {
    const tidy = (v, [low, high], limits) => keep(Number(v.toFixed(high - low > 5 ? 1 : 2)), limits || [low, high]);
    state[handle.dataset.x] = tidy(x, box.x, box.limits && box.limits[0]);
    state[handle.dataset.y] = tidy(y, box.y, box.limits && box.limits[1]);
    redraw();
  }

  if (handle) {
    const drag = (event) => {
      const svg = handle.parentNode.querySelector("svg").getBoundingClientRect(), [left, top, width, height] = spec.frame;
      const across = ((event.clientX - svg.left) / svg.width) * width - left;
      const down = ((event.clientY - svg.top) / svg.height) * height - top;
      put(box.x[0] + (across / box.w) * (box.x[1] - box.x[0]), box.y[1] - (down / box.h) * (box.y[1] - box.y[0]));
    };
    handle.addEventListener("pointerdown", (event) => {
      handle.setPointerCapture(event.pointerId);
      handle.focus({ preventScroll: true });
      event.preventDefault();
    });
    handle.addEventListener("pointermove", (event) => handle.hasPointerCapture(event.pointerId) && drag(event));
    handle.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!way) return;
      event.preventDefault();
      event.stopPropagation();
      const [x, y] = way.map((v) => v * (event.shiftKey ? 0.1 : 0.01)), { dataset } = handle;
      put(state[dataset.x] + x * (box.x[1] - box.x[0]), state[dataset.y] + y * (box.y[1] - box.y[0]));
    });
  }

  const grid = (name, by) => {
    const slider = sliders.find((one) => one.dataset.name === name), values = [];
    for (let p = Number(slider.min); p <= Number(slider.max); p += by) values.push(value(slider, p));
    return values;
  };
  const press = (selector, change) => root.querySelector(selector)?.addEventListener("click", () => {
    Object.assign(state, change());
    redraw();
  });
  press(".x-reset", () => spec.state);
  press(".x-best", () => figure.best(state, grid));
  for (const node of all("[hidden]:not(.x-done)")) node.hidden = false;
  for (const node of all("[data-still]")) node.remove();
  redraw();
}

document.querySelectorAll(".explorable:not([data-on])").forEach(wire);
