// The path of an optimizer. Before this file stand its `rules`, translated from optimizers.py, and the surfaces.

const GOAL = 1e-3; // "at the minimum": the loss is down to this share of its start, and stays there
const FAR = 1e9; // a path with a coordinate beyond this has diverged

// The gradient at a point, with the noise of step t = 1, 2, ... on it.
function gradient(surface, point, t, noise, draws) {
  const g = surfaces[surface.kind].slopes(surface, ...point);
  return noise ? g.map((v, i) => v + noise * draws[t - 1][i]) : g;
}

// The path of an optimizer, and what became of it: `steps` to the minimum, the step at which it `diverged`, its `turns`,
// and what it remembers of each weight at the end.
function descend(name, given, surface, start, steps, noise = 0, draws = []) {
  const formulas = surfaces[surface.kind], { hyper, memory, update } = rules[name], h = { ...hyper, ...given };
  const height = (x, y) => formulas.value(surface, x, y) - surface.lowest, s = [{ ...memory }, { ...memory }];
  let [x, y] = start, before = null, size = 0;
  const out = { path: [[x, y]], loss: [height(x, y)], memory: s, steps: Infinity, diverged: Infinity, turns: 0 };
  const goal = GOAL * out.loss[0];
  if (out.loss[0] <= goal) out.steps = 0;
  for (let t = 1; t <= steps; t++) {
    const slopes = formulas.slopes(surface, x, y), axes = along(slopes, surface.angle || 0);
    if (!before) size = axes[0] ** 2 + axes[1] ** 2;
    else if (turned(before, axes, size)) out.turns++;
    before = axes;
    const g = noise ? gradient(surface, [x, y], t, noise, draws) : slopes;
    x = update(x, g[0], h.rate, h, s[0], t);
    y = update(y, g[1], h.rate, h, s[1], t);
    if (!(Math.abs(x) < FAR && Math.abs(y) < FAR)) {
      out.diverged = t;
      out.steps = out.final = Infinity;
      return out;
    }
    const loss = height(x, y);
    out.path.push([x, y]);
    out.loss.push(loss);
    out.steps = loss <= goal ? Math.min(out.steps, t) : Infinity;
  }
  if (before && turned(before, along(formulas.slopes(surface, x, y), surface.angle || 0), size)) out.turns++;
  out.final = out.loss[steps];
  return out;
}

// What `worked` takes, for each of the two weights, at step t of a path.
function environments(name, given, surface, path, t, noise, draws) {
  const { memory } = descend(name, given, surface, path[0], t - 1, noise, draws), { rate, ...h } = { ...rules[name].hyper, ...given };
  const own = (object) => Object.fromEntries(Object.entries(object).map(([key, v]) => [`self.${key}`, v]));
  const g = gradient(surface, path[t - 1], t, noise, draws);
  return [0, 1].map((i) => ({ w: path[t - 1][i], g: g[i], lr: rate, t, ...own(h), ...own(memory[i]) }));
}

function along([gx, gy], angle) {
  const c = Math.cos((angle * Math.PI) / 180), s = Math.sin((angle * Math.PI) / 180);
  return [c * gx + s * gy, c * gy - s * gx];
}

const turned = (a, b, size) => a[0] * b[0] < -1e-12 * size || a[1] * b[1] < -1e-12 * size;

function fate(run) {
  if (run.diverged < Infinity) return `diverged at step ${run.diverged}`;
  if (run.steps < Infinity) return `${run.steps} steps to the minimum`;
  return `${number(run.final / run.loss[0])} of the loss left`;
}
