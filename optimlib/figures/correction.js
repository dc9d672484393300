// Adam's first steps, with and without bias correction.

const kind = ({ steps, draws, heights }) => {
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
    const means = Object.keys(rows).filter((name) => !name.startsWith("with")).flatMap((name) => rows[name]);
    const [least, most] = [Math.min(...means), Math.max(...means)];
    const at = heights.findIndex(([low, high]) => low <= least && most <= high); // the first axis that holds them
    heights.forEach((_, i) => (marks[`frame ${i}`] = { display: i === at ? "inline" : "none" }));
    const own = { ...panels[1], y: [...heights[at], false] };
    for (const name in rows) marks[name] = trace(points(name.startsWith("with") ? panels[0] : own, rows[name], 1));
    const facts = {
      "first corrected": rows.with[0], "first uncorrected": rows.without[0],
      "largest corrected": Math.max(...rows.with), "largest uncorrected": Math.max(...rows.without),
    };
    const length = (which) => number(facts[which]);
    const said = (which) => `first step ${length("first " + which)}, largest ${length("largest " + which)}`;
    return {
      marks, facts, outs: {},
      curves: [
        { panel: 0, from: 1, rows: { corrected: rows.with, not: rows.without } },
        { panel: 1, from: 1, rows: { m: rows.m, "m corrected": rows["m corrected"], "√v": rows["root v"], "√v corrected": rows["root v corrected"] } },
      ],
      said: `In learning rates: without correction ${said("uncorrected")}; with it ${said("corrected")}.`,
    };
  }
  return { picture };
};
