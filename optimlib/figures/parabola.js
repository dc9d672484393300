// Gradient descent on one weight: a staircase of steps down a parabola.

const kind = ({ curvature, minimum, lowest, steps }) => {
  const loss = (w) => lowest + (curvature * (w - minimum) ** 2) / 2;

  function descent({ rate, w }) {
    const path = [w - minimum];
    while (path.length <= steps) {
      const last = path[path.length - 1], next = last - rate * (curvature * last);
      if (!(Math.abs(next) < FAR)) break;
      path.push(next);
    }
    return path;
  }

  function picture(state, panels) {
    const distances = descent(state), path = distances.map((d) => d + minimum), at = place(panels[0]), last = path.length - 1;
    const t = Math.min(state.t, last), k = Math.max(t - 1, 0), left = 1 - state.rate * curvature;
    const stairs = (to) => (to ? trace(path.slice(0, to + 1).flatMap((w, i) => (i ? [[w, loss(path[i - 1])], [w, loss(w)]] : [[w, loss(w)]])).map(at)) : "");
    const scale = [panels[0].w / (panels[0].x[1] - panels[0].x[0]), -panels[0].h / (panels[0].y[1] - panels[0].y[0])];
    const slope = curvature * (path[k] - minimum), along = [scale[0], scale[1] * slope], size = 30 / Math.hypot(...along);
    const here = at([path[k], loss(path[k])]), [line, head] = arrow(here, at([path[t], loss(path[k])]), 10);
    const first = Math.max(Math.abs(distances[0]), 1e-300), shares = distances.map((d) => Math.abs(d) / first), error = points(panels[1], shares);
    const marks = {
      stairs: stairs(last), "stairs past": stairs(t), dots: dots(path.map((w) => at([w, loss(w)]))),
      slope: trace([-size, size].map((by) => [here[0] + by * along[0], here[1] + by * along[1]])),
      step: line, "step head": head, start: move(at([path[0], loss(path[0])])), now: move(at([path[t], loss(path[t])])),
      distance: trace(error), "distance past": trace(error.slice(0, t + 1)), "distance now": move(error[t]),
    };
    const before = shares.findLastIndex((share) => share ** 2 > 1e-3), ended = last < steps;
    const facts = {
      left, t: state.t, steps: ended || shares[last] ** 2 > 1e-3 ? Infinity : before + 1, distance: ended ? Infinity : shares[last],
    };
    const step = t ? `Step ${t}: from ${number(distances[t - 1])} to ${number(distances[t])} beside the minimum.` : "The first step is out of all bounds.";
    const weights = t ? [worked(rules.SGD, { w: path[t - 1], g: slope, lr: state.rate, t })] : null;
    return {
      marks, facts, outs: { rate: `distance × ${number(left)} a step` }, last, each: { name: "SGD", weights },
      said: `A step leaves ${number(left)} of the distance. ${step}`, curves: [{ panel: 1, from: 0, rows: { distance: shares }, time: true }],
      dots: { points: path.map((w) => at([w, loss(w)])), from: 0 }, height: loss,
    };
  }
  return { picture };
};
