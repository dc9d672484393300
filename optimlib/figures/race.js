// Optimizers raced from one start on a surface, one step at a time.

const LENS = 92; // the side of the enlarged view, in pixels
const ZOOMS = [...Array(10).keys()].flatMap((i) => [1, 1.5, 2, 3, 5, 7].map((v) => Number((v * 10 ** (i - 1)).toPrecision(2))));

// How good a run is: the fewer the better.
const rank = (run, steps) =>
  run.diverged < Infinity ? 100 + 2 * steps
    : run.steps < Infinity ? run.steps
      : steps + 10 + Math.log10(Math.max(run.final / run.loss[0], 1e-9));

// Whether two directions differ by more than a few degrees.
const aside = (a, b) => Math.abs(a[0] * b[1] - a[1] * b[0]) > 0.05 * Math.hypot(...a) * Math.hypot(...b);

function draw(marks, where, role, [line, head]) {
  marks[`${where} ${role}`] = line;
  marks[`${where} ${role} head`] = head;
}

const kind = ({ optimizers: own, surfaces: all, steps, draws, sliders }) => {
  const optimizers = Object.keys(own); // by name, which hyper-parameters of the state are theirs
  const turns = sliders.includes("angle");
  const hyper = (state, name) =>
    Object.fromEntries([["rate", state[`${name} rate`]], ...own[name].filter((key) => key in state).map((key) => [key, state[key]])]);
  const chosen = (state) => ({ ...all[state.surface], ...(turns && { angle: state.angle }) });
  const drawn = ({ draw }) => draws.slice((draw - 1) * steps, draw * steps);
  const run = (state, name) =>
    descend(name, hyper(state, name), chosen(state), [state.x, state.y], steps, state.noise, drawn(state));

  const runs = {}; // the last run of each optimizer, and its lines: only what changes is done again
  function latest(state, name, at, panel) {
    const { surface, angle, noise, draw, x, y } = state, key = JSON.stringify([hyper(state, name), surface, angle, noise, draw, x, y]);
    if (!runs[name] || runs[name].key !== key) {
      const result = run(state, name), shares = result.loss.map((v) => v / result.loss[0]);
      const path = result.path.map(at), loss = points(panel, shares);
      runs[name] = { key, ...result, shares, pixels: path, losses: loss, whole: trace(path), dotted: dots(path), curve: trace(loss) };
    }
    return runs[name];
  }

  function picture(state, panels) {
    const surface = chosen(state), at = place(surface.panel), marks = {}, facts = { t: state.t }, outs = {}, said = [], rows = {};
    const focus = optimizers[state.rule];
    for (const name of optimizers) {
      const result = latest(state, name, at, panels[1]), k = Math.min(state.t, result.path.length - 1);
      marks[`${name} path`] = result.whole;
      marks[`${name} dots`] = result.dotted;
      marks[`${name} past`] = trace(result.pixels.slice(0, k + 1));
      marks[`${name} now`] = move(result.pixels[k]);
      marks[`${name} loss`] = result.curve;
      marks[`${name} loss past`] = trace(result.losses.slice(0, k + 1));
      marks[`${name} loss now`] = move(result.losses[k]);
      for (const key of ["steps", "diverged", "turns"]) facts[`${name} ${key}`] = result[key];
      facts[`${name} share`] = result.final / result.loss[0];
      facts[`${name} par`] = surface.par[name];
      outs[`${name} rate`] = fate(result);
      rows[name] = result.shares;
      const rate = number(state[`${name} rate`]);
      said.push(`${name} at rate ${rate}: ${fate(result)}`);
    }
    all.forEach((_, i) => (marks[`surface ${i}`] = { display: i === state.surface ? "inline" : "none" }));
    marks.start = move(at([state.x, state.y]));
    if (turns) marks.contours = { transform: `rotate(${0 - state.angle} ${surface.panel.w / 2} ${surface.panel.h / 2})` };
    const result = runs[focus], k = Math.min(state.t, result.path.length - 1), step = stepped(state, focus, result, k, surface);
    Object.assign(marks, step.marks);
    if (step.zoom) outs.zoom = `× ${step.zoom}`;
    const last = Math.max(...optimizers.map((name) => runs[name].path.length - 1));
    return {
      marks, facts, outs, said: `${step.said} From (${number(state.x)}, ${number(state.y)}). ${said.join("; ")}.`,
      handle: surface.panel, last, each: { name: focus, weights: step.weights },
      curves: [{ panel: 1, from: 0, rows, time: true }], dots: { points: result.pixels, from: 0 },
    };
  }

  // Step k of one optimizer: its arrows, on the map and enlarged, and its rule with numbers.
  function stepped(state, name, result, k, surface) {
    const roles = [...ROLES, "downhill", "step"], marks = {}, { panel } = surface;
    if (!k) {
      for (const role of roles) draw(marks, "map", role, ["", ""]);
      marks["step from"] = move(result.pixels[0]);
      marks.lens = { display: "none" };
      return { marks, weights: null, said: `${name} diverges at its first step.` };
    }
    const given = hyper(state, name), from = result.pixels[k - 1], to = result.pixels[k];
    const each = environments(name, given, surface, result.path, k, state.noise, drawn(state));
    const weights = each.map((environment) => worked(rules[name], environment));
    const px = panel.w / (panel.x[1] - panel.x[0]), py = panel.h / (panel.y[1] - panel.y[0]);
    const vector = (x, y) => [x * px, -y * py], step = [to[0] - from[0], to[1] - from[1]];
    const terms = Object.keys(weights[0].terms), arrows = { step: [[0, 0], step] };
    let tip = [0, 0];
    if (terms.length > 1)
      for (const role of terms) {
        const by = vector(weights[0].terms[role], weights[1].terms[role]), next = [tip[0] + by[0], tip[1] + by[1]];
        arrows[role] = [tip, next];
        tip = next;
      }
    else {
      const down = vector(-each[0].g, -each[1].g), scale = Math.hypot(...step) / (Math.hypot(...down) || 1);
      if (aside(down, step)) arrows.downhill = [[0, 0], down.map((v) => v * scale)];
    }
    const spread = Object.values(arrows).flat(), span = [0, 1].map((i) => [Math.min(...spread.map((p) => p[i])), Math.max(...spread.map((p) => p[i]))]);
    const middle = span.map(([a, b]) => (a + b) / 2), extent = Math.hypot(...span.map(([a, b]) => b - a));
    const zoom = ZOOMS.filter((z) => z * extent <= LENS - 30).pop() || 1;
    const [sx, sy] = place(panel)([state.x, state.y]), corner = [sx < panel.w / 2 ? panel.w - LENS - 4 : 4, sy < panel.h / 2 ? 4 : panel.h - LENS - 4];
    const near = from[0] >= 0 && from[1] >= 0 && from[0] <= panel.w && from[1] <= panel.h;
    const lens = zoom >= 2 && extent > 0 && near, half = LENS / 2;
    const enlarged = (p) => [(p[0] - middle[0]) * zoom + half, (p[1] - middle[1]) * zoom + half];
    for (const role of roles) {
      const both = arrows[role], head = role === "step" ? 11 : 8;
      const onMap = both && both.map((p) => [from[0] + p[0], from[1] + p[1]]);
      draw(marks, "map", role, both ? arrow(...onMap, head) : ["", ""]);
      draw(marks, "lens", role, both && lens ? arrow(...both.map(enlarged), head) : ["", ""]);
    }
    marks["step from"] = move(from);
    marks.lens = lens ? { display: "inline", ...move(corner) } : { display: "none" };
    if (lens) {
      const view = `translate(${half},${half}) scale(${zoom}) translate(${[0, 1].map((i) => (-from[i] - middle[i]).toFixed(3))})`;
      marks["lens view"] = { transform: view };
      marks["lens path"] = result.whole;
      marks["lens dots"] = result.dotted;
      marks["lens from"] = move(enlarged([0, 0]));
      marks["lens to"] = move(enlarged(step));
      const side = LENS / zoom, [x, y] = [0, 1].map((i) => from[i] + middle[i] - side / 2);
      marks["lens spot"] = trace([[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]);
    } else marks["lens spot"] = "";
    const [a, b] = [k - 1, k].map((i) => result.path[i].map(number).join(", "));
    const share = number(result.shares[k]);
    return { marks, weights, zoom, said: `Step ${k} of ${name}: from (${a}) to (${b}), loss ${share} of the start’s.` };
  }

  // The rates, and the momentum where it has a slider, with the fewest steps to the minimum from where the start now is.
  function best(state, grid) {
    let winner = null;
    for (const momentum of sliders.includes("momentum") ? grid("momentum", 10).map((v) => ({ momentum: v })) : [{}]) {
      const found = { ...momentum, score: 0 };
      for (const name of optimizers) {
        let least = Infinity;
        for (const rate of grid(`${name} rate`, 3)) {
          const score = rank(run({ ...state, ...momentum, [`${name} rate`]: rate }, name), steps);
          if (score < least) [least, found[`${name} rate`]] = [score, rate];
        }
        found.score += least;
      }
      if (!winner || found.score < winner.score) winner = found;
    }
    delete winner.score;
    return winner;
  }
  return { picture, best };
};
