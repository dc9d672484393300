// Figures that answer: the script behind optimlib.explorable. It repeats the rules and surfaces of optimlib in a few lines each
// (a test holds the two side by side), turns the state of the sliders into a picture, and hands that to the page. A page is
// given the parts it needs: those marked `part: all`, and the figures and surfaces it shows.
(() => {
  "use strict";
  const GOAL = 1e-3; // "at the minimum": the loss is down to this share of its start, and stays there
  const FAR = 1e9; // a path with a coordinate beyond this has diverged
  const DOTS = 50; // the steps that get a dot on the path

  // ---- optimizers: the new weight, from weight w, gradient g, hyper-parameters h, memory s and the step t = 1, 2, ...

  const memory = () => ({ u: 0, m: 0, v: 0, sum: 0.1 });

  const rules = {
    SGD: (w, g, h) => w - h.rate * g,

    momentum(w, g, h, s) {
      s.u = h.momentum * s.u - h.rate * g;
      return w + s.u;
    },
    Nesterov(w, g, h, s) {
      s.u = h.momentum * s.u - h.rate * g;
      return w + h.momentum * s.u - h.rate * g;
    },
    Adagrad(w, g, h, s) {
      s.sum = s.sum + g * g;
      return w - (h.rate * g) / Math.sqrt(s.sum + h.epsilon);
    },
    RMSprop(w, g, h, s) {
      s.v = h.rho * s.v + (1 - h.rho) * g * g;
      return w - (h.rate * g) / Math.sqrt(s.v + h.epsilon);
    },
    Adam(w, g, h, s, t) {
      s.m = h.beta_1 * s.m + (1 - h.beta_1) * g;
      s.v = h.beta_2 * s.v + (1 - h.beta_2) * g * g;
      const correction = Math.sqrt(1 - h.beta_2 ** t) / (1 - h.beta_1 ** t);
      return w - (h.rate * correction * s.m) / (Math.sqrt(s.v) + h.epsilon);
    },
    AdamW: (w, g, h, s, t) => rules.Adam(w - h.rate * h.weight_decay * w, g, h, s, t),
    "Adam + L2": (w, g, h, s, t) => rules.Adam(w, g + h.weight_decay * w, h, s, t),
  };

  // ---- surfaces: value and slopes at (x, y); p are the numbers that make one

  const sigmoid = (z) => 0.5 * (1 + Math.tanh(z / 2));

  const surfaces = {
    // part: Quadratic
    Quadratic: {
      hessian({ curvatures: [a, b], angle }) {
        const c = Math.cos((angle * Math.PI) / 180), s = Math.sin((angle * Math.PI) / 180);
        return [a * c * c + b * s * s, (a - b) * c * s, a * s * s + b * c * c];
      },
      value(p, x, y) {
        const [xx, xy, yy] = this.hessian(p);
        return (xx * x * x + 2 * xy * x * y + yy * y * y) / 2;
      },
      slopes(p, x, y) {
        const [xx, xy, yy] = this.hessian(p);
        return [xx * x + xy * y, xy * x + yy * y];
      },
    },
    // part: Plateau
    Plateau: {
      value: ({ samples }, w, b) => samples.reduce((sum, [x, y]) => sum + (sigmoid(w * x + b) - y) ** 2, 0) / 4,
      slopes({ samples }, w, b) {
        let dw = 0, db = 0;
        for (const [x, y] of samples) {
          const a = sigmoid(w * x + b), delta = ((a - y) * a * (1 - a)) / 2;
          dw += delta * x;
          db += delta;
        }
        return [dw, db];
      },
    },
    // part: Saddle
    Saddle: {
      value: (p, x, y) => (x * x) / 2 + (y * y - 1) ** 2 / 4,
      slopes: (p, x, y) => [x, y * (y * y - 1)],
    },
    // part: Rosenbrock
    Rosenbrock: {
      value: (p, x, y) => (1 - x) ** 2 + 100 * (y - x * x) ** 2,
      slopes: (p, x, y) => [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)],
    },
    // part: Beale
    Beale: {
      value: ({ constants }, x, y) => constants.reduce((sum, [i, c]) => sum + (c - x + x * y ** i) ** 2, 0),
      slopes({ constants }, x, y) {
        let dx = 0, dy = 0;
        for (const [i, c] of constants) {
          const r = c - x + x * y ** i;
          dx += 2 * r * (y ** i - 1);
          dy += 2 * r * x * i * y ** (i - 1);
        }
        return [dx, dy];
      },
    },
    // part: Ripples
    Ripples: {
      value({ height, length }, x, y) {
        const k = (2 * Math.PI) / length;
        return (x * x + y * y) / 2 + height * (2 - Math.cos(k * x) - Math.cos(k * y));
      },
      slopes({ height, length }, x, y) {
        const k = (2 * Math.PI) / length;
        return [x + height * k * Math.sin(k * x), y + height * k * Math.sin(k * y)];
      },
    },
    // part: all
  };

  // The path of an optimizer, and what became of it: `steps` to the minimum, the step at which it `diverged`, its `turns`.
  function descend(name, h, surface, start, steps, noise = 0, draws = []) {
    const { value, slopes } = surfaces[surface.kind], f = surfaces[surface.kind];
    const height = (x, y) => value.call(f, surface, x, y) - surface.lowest;
    const rule = rules[name], sx = memory(), sy = memory();
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
      x = rule(x, g[0], h, sx, t);
      y = rule(y, g[1], h, sy, t);
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

  // ---- the rate over time; p runs from 0 to 1 after the warmup

  const shapes = {
    constant: () => 1,
    cosine: (p, floor) => floor + ((1 - floor) * (1 + Math.cos(Math.PI * p))) / 2,
    linear: (p, floor) => 1 - (1 - floor) * p,
    exponential: (p, floor) => Math.max(floor, 0.01) ** p,
    step: (p, floor) => Math.max(floor, p < 0.5 - 1e-9 ? 1 : p < 0.75 - 1e-9 ? 0.1 : 0.01),
    reversed: (p, floor) => floor + ((1 - floor) * (1 - Math.cos(Math.PI * p))) / 2,
  };

  function designed(shape, warmup, floor, time) {
    if (time < warmup) return (shapes[shape](0, floor) * time) / warmup;
    return shapes[shape](Math.min((time - warmup) / Math.max(1 - warmup, 1e-9), 1), floor);
  }

  // ---- sliders: the position of a slider is a whole number, the value a round one

  const scales = {
    log: {
      value(p) {
        const decade = Math.floor(p / 75), k = p - 75 * decade;
        const mantissa = k < 20 ? 1 + 0.05 * k : k < 50 ? 2 + 0.1 * (k - 20) : 5 + 0.2 * (k - 50);
        return Number((mantissa * 10 ** decade).toPrecision(3));
      },
      position(v) {
        const decade = Math.floor(Math.log10(v) + 1e-12), m = v / 10 ** decade;
        return 75 * decade + Math.round(m < 2 ? (m - 1) / 0.05 : m < 5 ? 20 + (m - 2) / 0.1 : 50 + (m - 5) / 0.2);
      },
    },
    zero: {
      value: (p, low) => (p <= low ? 0 : scales.log.value(p)),
      position: (v, low) => (v > 0 ? scales.log.position(v) : low),
    },
    memory: {
      value: (p) => Number((1 - scales.log.value(-p)).toPrecision(6)),
      position: (v) => -scales.log.position(1 - v),
    },
    linear: { value: (p) => p, position: (v) => v },
  };

  // ---- words and lines

  function number(v) {
    if (!Number.isFinite(v)) return "∞";
    const plain = v === 0 || (Math.abs(v) >= 1e-3 && Math.abs(v) < 1e5);
    return (plain ? String(Number(v.toPrecision(3))) : v.toExponential(1)).replaceAll("-", "−");
  }

  const axis = ([low, high, log], length) => (v) =>
    length * (log ? Math.log10(Math.max(v, 1e-300) / low) / Math.log10(high / low) : (v - low) / (high - low));

  const place = (panel) => {
    const across = axis(panel.x, panel.w), up = axis(panel.y, panel.h);
    return ([x, y]) => [across(x), panel.h - up(y)];
  };

  // Path data in tenths of a pixel, relative, without the points that fall on the one before.
  const tenths = (v) => Math.round(10 * Math.max(-5000, Math.min(5000, v)));
  const pair = (x, y) => `${x / 10},${y / 10}`;

  function lines(points, join) {
    let [[x, y], ...rest] = points.map((point) => point.map(tenths)), text = `M${pair(x, y)}`;
    for (const [a, b] of rest) {
      if (a !== x || b !== y) text += join + pair(a - x, b - y);
      [x, y] = [a, b];
    }
    return text;
  }
  const trace = (points) => lines(points, "l");
  const dots = (points) => lines(points.slice(0, DOTS), "h0m") + "h0";
  const move = (point) => ({ transform: `translate(${pair(...point.map(tenths))})` });
  const points = (panel, ys, from = 0) => ys.map((y, i) => [i + from, y]).map(place(panel));

  function fate(run, steps) {
    if (run.diverged < Infinity) return `diverged at step ${run.diverged}`;
    const when = run.steps < Infinity ? `${run.steps} steps to the minimum` : `not there in ${steps} steps`;
    return `${when}, final loss ${number(run.final)}`;
  }

  // ---- the kinds of figure: each maps the state (the value of every slider and handle) to a picture:
  //      marks (attributes of what moves), facts (numbers by name), outs (words beside sliders), said (a sentence)

  const kinds = {
    // part: explore
    explore({ optimizers, surfaces: all, steps, draws, sliders }) {
      const turns = sliders.includes("angle");
      const hyper = ({ momentum, rho, beta_1, beta_2, weight_decay, ...state }, name) =>
        ({ rate: state[`${name} rate`], momentum, rho, beta_1, beta_2, weight_decay, epsilon: 1e-7 });
      const chosen = (state) => ({ ...all[state.surface], ...(turns && { angle: state.angle }) });
      const run = (state, name) =>
        descend(name, hyper(state, name), chosen(state), [state.x, state.y], steps, state.noise, draws);

      const runs = {}; // the last run of each optimizer: a slider of one leaves the others as they are
      function latest(state, name) {
        const { surface, angle, noise, x, y } = state, key = JSON.stringify([hyper(state, name), surface, angle, noise, x, y]);
        if (!runs[name] || runs[name].key !== key) runs[name] = { key, ...run(state, name) };
        return runs[name];
      }

      function picture(state, panels) {
        const surface = chosen(state), at = place(surface.panel), marks = {}, facts = {}, outs = {}, said = [];
        for (const name of optimizers) {
          const result = latest(state, name), path = result.path.map(at);
          marks[`${name} path`] = trace(path);
          marks[`${name} dots`] = dots(path);
          marks[`${name} end`] = move(path[path.length - 1]);
          marks[`${name} loss`] = trace(points(panels[1], result.loss.map((v) => v / result.loss[0])));
          for (const key of ["steps", "diverged", "turns"]) facts[`${name} ${key}`] = result[key];
          facts[`${name} loss`] = result.final;
          facts[`${name} par`] = surface.par[name];
          outs[`${name} rate`] = fate(result, steps);
          const rate = number(state[`${name} rate`]);
          said.push(`${name} at rate ${rate}: ${fate(result, steps)}`);
        }
        all.forEach((_, i) => (marks[`surface ${i}`] = { display: i === state.surface ? "inline" : "none" }));
        marks.start = move(at([state.x, state.y]));
        if (turns) marks.contours = { transform: `rotate(${0 - state.angle} ${surface.panel.w / 2} ${surface.panel.h / 2})` };
        const from = `From (${number(state.x)}, ${number(state.y)}). `;
        return { marks, facts, outs, said: `${from}${said.join("; ")}.`, handle: surface.panel };
      }

      // The rates, and the momentum where it has a slider, with the fewest steps to the minimum from where the start now is.
      function best(state, grid) {
        let winner = null;
        for (const momentum of sliders.includes("momentum") ? grid("momentum", 10) : [state.momentum]) {
          const found = { momentum, score: 0 };
          for (const name of optimizers) {
            let least = Infinity;
            for (const rate of grid(`${name} rate`, 3)) {
              const score = rank(run({ ...state, momentum, [`${name} rate`]: rate }, name), steps);
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
    },

    // part: momentum_map
    momentum_map({ condition_number: kappa, surface, steps, optimum }) {
      function picture(state, panels) {
        const { rate, momentum, direction } = state;
        const result = descend("momentum", { rate: rate / kappa, momentum }, surface, surface.start, steps);
        const shrinks = Math.max(radius(rate / kappa, momentum), radius(rate, momentum));
        const pull = direction ? rate : rate / kappa; // rate times the curvature in the direction looked at
        const w = result.path.map((point) => point[direction] / surface.start[direction]);
        const phase = w.map((now, t) => [now, (t ? now - w[t - 1] : 0) / Math.sqrt(pull)]).map(place(panels[2]));
        const path = result.path.map(place(panels[1]));
        const first = Math.hypot(...surface.start);
        const distance = result.path.map(([x, y]) => Math.hypot(x, y) / first);
        const damping = [damped(rate / kappa, momentum), damped(rate, momentum)];
        const words = `along the floor ${damping[0]}, across it ${damping[1]}`;
        return {
          marks: {
            "valley path": trace(path), "valley dots": dots(path), "valley end": move(path[path.length - 1]),
            "phase path": trace(phase), "phase dots": dots(phase), "phase end": move(phase[phase.length - 1]),
            distance: trace(points(panels[3], distance)),
            asymptote: trace(points(panels[3], [...Array(steps + 1).keys()].map((t) => shrinks ** t))),
            probe: move(place(panels[0])([rate, momentum])),
          },
          facts: { convergence: shrinks, steps: result.steps },
          outs: { rate: `error × ${number(shrinks)} a step`, momentum: fate(result, steps) },
          said: `Rate ${number(rate)} / L, momentum ${number(momentum)}: ${words}; in the long run ` +
            `a step multiplies the error by ${number(shrinks)}; ${fate(result, steps)}.`,
        };
      }
      return { picture, best: () => optimum };
    },

    // part: bias_correction
    bias_correction({ steps, draws }) {
      function picture(state, panels) {
        const { beta_1, beta_2, noise } = state, s = { m: 0, v: 0 };
        const rows = { m: [], "m corrected": [], "root v": [], "root v corrected": [], without: [], with: [] };
        for (let t = 1; t <= steps; t++) {
          const g = 1 + noise * draws[t - 1];
          s.m = beta_1 * s.m + (1 - beta_1) * g;
          s.v = beta_2 * s.v + (1 - beta_2) * g * g;
          const first = 1 - beta_1 ** t, second = Math.sqrt(1 - beta_2 ** t), root = Math.sqrt(s.v);
          rows.m.push(s.m);
          rows["m corrected"].push(s.m / first);
          rows["root v"].push(root);
          rows["root v corrected"].push(root / second);
          rows.without.push(Math.abs(s.m) / (root + 1e-7));
          rows.with.push(((second / first) * Math.abs(s.m)) / (root + 1e-7));
        }
        const marks = {};
        for (const name in rows) marks[name] = trace(points(panels[name.startsWith("with") ? 0 : 1], rows[name], 1));
        const facts = {
          "first corrected": rows.with[0], "first uncorrected": rows.without[0],
          "largest corrected": Math.max(...rows.with), "largest uncorrected": Math.max(...rows.without),
        };
        const length = (which) => number(facts[which]);
        const said = (which) => `first step ${length("first " + which)}, largest ${length("largest " + which)}`;
        return {
          marks, facts, outs: {},
          said: `In learning rates: without correction ${said("uncorrected")}; with it ${said("corrected")}.`,
        };
      }
      return { picture };
    },

    // part: decay_only
    decay_only({ steps }) {
      function picture(state, panels) {
        const marks = {}, facts = {};
        for (const name of ["AdamW", "Adam + L2"]) {
          const h = { rate: state.rate, weight_decay: state.decay, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 };
          ["idle", "busy"].forEach((kind, i) => {
            const w = [1], s = memory();
            for (let t = 1; t <= steps; t++) {
              const g = i === 0 ? 0 : t % 2 ? state.gradient : -state.gradient;
              w.push(rules[name](w[t - 1], g, h, s, t));
            }
            marks[`${name} ${kind}`] = trace(points(panels[i], w));
            facts[`${name} ${kind}`] = w[steps];
          });
        }
        for (const kind of ["idle", "busy"]) facts[`${kind} gap`] = Math.abs(facts[`AdamW ${kind}`] - facts[`Adam + L2 ${kind}`]);
        const left = (name) => number(facts[name]);
        const said = (name) =>
          `${name} leaves ${left(name + " idle")} of the idle weight and ${left(name + " busy")} of the busy one`;
        return { marks, facts, outs: {}, said: `After ${steps} steps ${said("AdamW")}; ${said("Adam + L2")}.` };
      }
      return { picture };
    },

    // part: schedule_designer
    schedule_designer({ names, rates, settings, steps }) {
      const nearest = (state) => {
        const far = (s) => (2 * (state.warmup - s.warmup)) ** 2 + (state.floor - s.floor) ** 2;
        const near = settings.filter((s) => s.shape === names[state.shape] && (!rates || s.rate === rates[state.rate]));
        return near.reduce((a, b) => (a && far(a) <= far(b) ? a : b), null);
      };
      const final = (setting) => setting.loss ?? Infinity;
      const share = (v) => `${number(100 * v)} %`;
      function picture(state, panels) {
        const shape = names[state.shape], time = [...Array(steps + 1).keys()].map((i) => i / steps);
        const curve = time.map((t) => [100 * t, 100 * designed(shape, state.warmup, state.floor, t)]).map(place(panels[0]));
        const marks = { rate: trace(curve) }, facts = {}, hit = nearest(state);
        const outs = { floor: shape === "constant" ? "a constant rate has no floor" : "" };
        if (rates) facts.rate = rates[state.rate];
        const peak = rates ? `, peak rate ${number(facts.rate)}` : "";
        const what = `${shape}, warmup ${share(state.warmup)}, floor ${share(state.floor)}${peak}`;
        if (!settings.length) return { marks, facts, outs, said: `The rate over time: ${what}.` };
        marks.nearest = hit ? { ...move(place(panels[1])([hit.x, hit.y])), display: "inline" } : { display: "none" };
        facts.loss = hit ? final(hit) : Infinity;
        const words = facts.loss < Infinity ? `loss ${number(facts.loss)}` : "diverged";
        const nearby = hit ? `warmup ${share(hit.warmup)}, floor ${share(hit.floor)}: ${words}` : "none";
        return { marks, facts, outs, said: `You drew: ${what}. Nearest recorded: ${nearby}.` };
      }
      const best = () => {
        const { shape, warmup, floor, rate } = settings.reduce((a, b) => (final(b) < final(a) ? b : a));
        return { shape: names.indexOf(shape), warmup, floor, ...(rates && { rate: rates.indexOf(rate) }) };
      };
      return settings.length ? { picture, best } : { picture };
    },

    // part: recorded
    recorded({ sweeps }) {
      function picture(state, panels) {
        const marks = {}, facts = {}, outs = {}, said = [];
        for (const [name, sweep] of Object.entries(sweeps)) {
          const i = state[`${name} rate`], { middle, low, high } = sweep;
          const curve = (rows) => points(panels[0], rows[i].filter((v) => v !== null), 1);
          marks[`${name} curve`] = middle[i][0] === null ? "" : trace(curve(middle));
          marks[`${name} band`] = middle[i][0] === null ? "" : trace([...curve(low), ...curve(high).reverse()]) + "z";
          const final = middle[i][middle[i].length - 1] ?? Infinity;
          marks[`${name} end`] = move(place(panels[1])([sweep.rates[i], Math.min(final, panels[1].y[1])]));
          const accuracy = sweep.accuracy[i] ?? 0, fine = `loss ${number(final)}, test accuracy ${number(100 * accuracy)} %`;
          const words = final < Infinity ? fine : "diverged";
          facts[`${name} loss`] = final;
          facts[`${name} accuracy`] = accuracy;
          facts[`${name} rate`] = sweep.rates[i];
          outs[`${name} rate`] = words;
          said.push(`${name} at rate ${number(sweep.rates[i])}: ${words}`);
        }
        return { marks, facts, outs, said: `${said.join("; ")}.` };
      }
      const best = () => Object.fromEntries(Object.keys(sweeps).map((name) => {
        const finals = sweeps[name].middle.map((row) => row[row.length - 1] ?? Infinity);
        return [`${name} rate`, finals.indexOf(Math.min(...finals))];
      }));
      return { picture, best };
    },
    // part: all
  };

  const rank = (run, steps) =>
    run.diverged < Infinity ? 100 + 2 * steps
      : run.steps < Infinity ? run.steps
        : steps + 10 + Math.log10(Math.max(run.final / run.loss[0], 1e-9));

  // Heavy ball on one curvature, pull = rate * curvature: w' = (1 + momentum - pull) w - momentum * (w one step before).
  function radius(pull, momentum) {
    const trace = 1 + momentum - pull, inside = trace * trace - 4 * momentum;
    return inside < 0 ? Math.sqrt(momentum) : (Math.abs(trace) + Math.sqrt(inside)) / 2;
  }

  function damped(pull, momentum) {
    const trace = 1 + momentum - pull;
    if (radius(pull, momentum) >= 1) return "diverging";
    if (Math.abs(Math.sqrt(momentum) - Math.abs(1 - Math.sqrt(pull))) < 0.01) return "critically damped";
    return trace > 0 && trace * trace > 4 * momentum ? "overdamped" : "oscillating";
  }

  // ---- the page: sliders and handles are two views of the state; whatever changes it redraws

  function wire(root) {
    root.setAttribute("data-on", "");
    const all = (selector) => [...root.querySelectorAll(selector)];
    const spec = JSON.parse(root.querySelector("script").textContent);
    const kind = kinds[spec.kind](spec.data), state = { ...spec.state };
    const named = (nodes, key) => new Map(nodes.map((node) => [node.dataset[key], node]));
    const marks = named(all("[data-mark]"), "mark"), outs = named(all("[data-out]"), "out");
    const sliders = all("input, select"), handle = root.querySelector(".x-handle");
    const [done, said] = [".x-done", ".x-said"].map((selector) => root.querySelector(selector));
    const scale = (slider) => scales[slider.dataset.scale];
    const value = (slider, p = Number(slider.value)) =>
      slider.dataset.values ? slider.dataset.values.split(" ")[p] : scale(slider).value(p, Number(slider.min));
    let box = spec.panels[0], timer = 0;

    function redraw() {
      const picture = kind.picture(state, spec.panels);
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
    press(".x-best", () => kind.best(state, grid));
    for (const node of all("[hidden]:not(.x-done)")) node.hidden = false;
    for (const node of all("[data-still]")) node.remove();
    redraw();
  }

  const parts = { rules, surfaces, descend, designed, scales, number, kinds, radius, damped };
  if (typeof module === "object") module.exports = parts; // for the tests, in Node
  else document.querySelectorAll(".explorable:not([data-on])").forEach(wire);
})();
