// A learning-rate schedule to design.

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

const kind = ({ names, rates, settings, steps }) => {
  const nearest = (state) => {
    const far = (s) => (2 * (state.warmup - s.warmup)) ** 2 + (state.floor - s.floor) ** 2;
    const near = settings.filter((s) => s.shape === names[state.shape] && (!rates || s.rate === rates[state.rate]));
    return near.reduce((a, b) => (a && far(a) <= far(b) ? a : b), null);
  };
  const final = (setting) => setting.loss ?? Infinity;
  const share = (v) => `${number(100 * v)} %`;
  function picture(state, panels) {
    const shape = names[state.shape], time = [...Array(steps + 1).keys()].map((i) => i / steps);
    const shares = time.map((t) => 100 * designed(shape, state.warmup, state.floor, t));
    const curve = shares.map((rate, i) => [100 * time[i], rate]).map(place(panels[0]));
    const curves = [{ panel: 0, from: 0, by: 100 / steps, unit: "% of the run", rows: { "% of the peak": shares } }];
    const under = `${trace([...curve, ...[[100, 0], [0, 0]].map(place(panels[0]))])}z`;
    const marks = { rate: trace(curve), "rate area": under }, facts = {}, hit = nearest(state);
    const outs = { floor: shape === "constant" ? "a constant rate has no floor" : "" };
    if (rates) facts.rate = rates[state.rate];
    const peak = rates ? `, peak rate ${number(facts.rate)}` : "";
    const what = `${shape}, warmup ${share(state.warmup)}, floor ${share(state.floor)}${peak}`;
    if (!settings.length) return { marks, facts, outs, curves, said: `The rate over time: ${what}.` };
    marks.nearest = hit ? { ...move(place(panels[1])([hit.x, hit.y])), display: "inline" } : { display: "none" };
    facts.loss = hit ? final(hit) : Infinity;
    const words = facts.loss < Infinity ? `loss ${number(facts.loss)}` : "diverged";
    const nearby = hit ? `warmup ${share(hit.warmup)}, floor ${share(hit.floor)}: ${words}` : "none";
    return { marks, facts, outs, curves, said: `You drew: ${what}. Nearest recorded: ${nearby}.` };
  }
  const best = () => {
    const { shape, warmup, floor, rate } = settings.reduce((a, b) => (final(b) < final(a) ? b : a));
    return { shape: names.indexOf(shape), warmup, floor, ...(rates && { rate: rates.indexOf(rate) }) };
  };
  return settings.length ? { picture, best } : { picture };
};
