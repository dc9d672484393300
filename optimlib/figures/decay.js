// Decoupled weight decay against an L2 penalty.

const kind = ({ steps }) => {
  function picture(state, panels) {
    const marks = {}, facts = {}, rows = [{}, {}];
    for (const name of ["AdamW", "Adam + L2"]) {
      const { hyper, memory, update } = rules[name === "AdamW" ? "AdamW" : "Adam"], h = { ...hyper, weight_decay: state.decay };
      ["idle", "busy"].forEach((kind, i) => {
        const w = [1], s = { ...memory }, penalty = name === "AdamW" ? 0 : state.decay;
        for (let t = 1; t <= steps; t++) {
          const g = i === 0 ? 0 : t % 2 ? state.gradient : -state.gradient;
          w.push(update(w[t - 1], g + penalty * w[t - 1], state.rate, h, s, t));
        }
        marks[`${name} ${kind}`] = trace(points(panels[i], w));
        facts[`${name} ${kind}`] = w[steps];
        rows[i][name] = w;
      });
    }
    for (const kind of ["idle", "busy"]) facts[`${kind} gap`] = Math.abs(facts[`AdamW ${kind}`] - facts[`Adam + L2 ${kind}`]);
    const left = (name) => number(facts[name]);
    const said = (name) =>
      `${name} leaves ${left(name + " idle")} of the idle weight and ${left(name + " busy")} of the busy one`;
    return { marks, facts, outs: {}, curves: rows.map((own, panel) => ({ panel, from: 0, rows: own })), said: `After ${steps} steps ${said("AdamW")}; ${said("Adam + L2")}.` };
  }
  return { picture };
};
