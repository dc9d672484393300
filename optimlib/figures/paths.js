// The path of an optimizer. Before this file stand its `rules`, translated from optimizers.py, and the surfaces.

const GOAL = 1e-3; // "at the minimum": the loss is down to this share of its start, and stays there
const FAR = 1e9; // a path with a coordinate beyond this has diverged

// The path of an optimizer, and what became of it: `steps` to the minimum, the step at which it `diverged`, its `turns`.
function descend(name, given, surface, start, steps, noise = 0, draws = []) {
  const { value, slopes } = surfaces[surface.kind], f = surfaces[surface.kind];
  const height = (x, y) => value.call(f, surface, x, y) - surface.lowest;
  const { hyper, memory, update } = rules[name], h = { ...hyper, ...given }, sx = { ...memory }, sy = { ...memory };
  let [x, y] = start, before = null, size = 0;
  const out = { path: [[x, y]], loss: [height(x, y)], steps: Infinity, diverged: Infinity, turns: 0 };
  const goal = GOAL * out.loss[0];
  if (out.loss[0] <= goal) out.steps = 0;
  for (let t = 1; t <= steps; t++) {
    const g = slopes.call(f, surface, x, y), axes = along(g, surface.angle || 0);
    if (!before) size = axes[0] ** 2 + axes[1] ** 2;
    else if (turned(before, axes, size)) out.turns++;
    before = axes;
    if (noise) { g[0] += noise * draws[t - 1][0]; g[1] += noise * draws[t - 1][1]; }
    x = update(x, g[0], h.rate, h, sx, t);
    y = update(y, g[1], h.rate, h, sy, t);
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
  if (turned(before, along(slopes.call(f, surface, x, y), surface.angle || 0), size)) out.turns++;
  out.final = out.loss[steps];
  return out;
}

function along([gx, gy], angle) {
  const c = Math.cos((angle * Math.PI) / 180), s = Math.sin((angle * Math.PI) / 180);
  return [c * gx + s * gy, c * gy - s * gx];
}

const turned = (a, b, size) => a[0] * b[0] < -1e-12 * size || a[1] * b[1] < -1e-12 * size;

function fate(run, steps) {
  if (run.diverged < Infinity) return `diverged at step ${run.diverged}`;
  const when = run.steps < Infinity ? `${run.steps} steps to the minimum` : `not there in ${steps} steps`;
  return `${when}, final loss ${number(run.final)}`;
}
