// Momentum on a quadratic.

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

const kind = ({ condition_number: kappa, surface, steps, optimum }) => {
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
};
