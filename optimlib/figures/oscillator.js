// Momentum on a quadratic.

// Heavy ball on one curvature, pull = rate * curvature: w' = (1 + momentum - pull) w - momentum * (w one step before).
function radius(pull, momentum) {
  const trace = 1 + momentum - pull, inside = trace * trace - 4 * momentum;
  return inside < 0 ? Math.sqrt(momentum) : (Math.abs(trace) + Math.sqrt(inside)) / 2;
}

function damped(pull, momentum) {
  const trace = 1 + momentum - pull;
  if (radius(pull, momentum) >= 1) return "diverging";
  const near = Math.min(0.005, 0.05 * (1 - Math.sqrt(momentum)));
  if (Math.abs(Math.sqrt(momentum) - Math.abs(1 - Math.sqrt(pull))) < near) return "critically damped";
  return trace > 0 && trace * trace > 4 * momentum ? "overdamped" : "oscillating";
}

const kind = ({ condition_number: kappa, surface, steps, fastest }) => {
  let latest = {}; // the last run: a step in time does not change it
  function run({ rate, momentum, direction }, panels) {
    const key = [rate, momentum, direction].join();
    if (latest.key === key) return latest;
    const result = descend("momentum", { rate: rate / kappa, momentum }, surface, surface.start, steps);
    const shrinks = Math.max(radius(rate / kappa, momentum), radius(rate, momentum));
    const pull = direction ? rate : rate / kappa; // rate times the curvature in the direction looked at
    const w = result.path.map((point) => point[direction] / surface.start[direction]), first = Math.hypot(...surface.start);
    const distance = result.path.map(([x, y]) => Math.hypot(x, y) / first);
    latest = {
      key, result, shrinks, distance, error: points(panels[1], distance), valley: result.path.map(place(panels[2])),
      phase: w.map((now, t) => [now, (t ? now - w[t - 1] : 0) / Math.sqrt(pull)]).map(place(panels[3])),
    };
    const { error, valley, phase } = latest, foretold = [...Array(steps + 1).keys()].map((t) => shrinks ** t);
    latest.marks = {
      "valley path": trace(valley), "valley dots": dots(valley), "phase path": trace(phase), "phase dots": dots(phase),
      distance: trace(error), asymptote: trace(points(panels[1], foretold)),
    };
    return latest;
  }

  function picture(state, panels) {
    const { rate, momentum } = state, { result, shrinks, distance, error, valley, phase, marks } = run(state, panels);
    const last = result.path.length - 1, t = Math.min(state.t, last), now = {};
    for (const [name, line] of Object.entries({ valley, phase, distance: error })) {
      now[`${name} past`] = trace(line.slice(0, t + 1));
      now[`${name} now`] = move(line[t]);
    }
    const damping = [damped(rate / kappa, momentum), damped(rate, momentum)];
    const words = `along the floor ${damping[0]}, across it ${damping[1]}`;
    return {
      marks: { ...marks, ...now, probe: move(place(panels[0])([rate, momentum])) },
      facts: { convergence: shrinks, steps: result.steps, t: state.t },
      outs: { rate: `error × ${number(shrinks)} a step`, momentum: fate(result) },
      said: `Step ${t}: ${number(distance[t])} of the distance left. Rate ${number(rate)} / L, momentum ${number(momentum)}: ${words}; in the long run ` +
        `a step multiplies the error by ${number(shrinks)}; ${fate(result)}.`,
      last, curves: [{ panel: 1, from: 0, rows: { distance }, time: true }],
    };
  }
  return { picture, best: () => fastest };
};
