// Learning curves that were recorded.

const kind = ({ sweeps }) => {
  function picture(state, panels) {
    const marks = {}, facts = {}, outs = {}, said = [], rows = {};
    for (const [name, sweep] of Object.entries(sweeps)) {
      const i = state[`${name} rate`], { middle, low, high } = sweep;
      const curve = (rows) => points(panels[0], rows[i].filter((v) => v !== null), 1);
      marks[`${name} curve`] = middle[i][0] === null ? "" : trace(curve(middle));
      marks[`${name} band`] = middle[i][0] === null ? "" : trace([...curve(low), ...curve(high).reverse()]) + "z";
      const final = middle[i][middle[i].length - 1] ?? Infinity;
      const top = panels[1].y[1], end = move(place(panels[1])([sweep.rates[i], Math.min(final, top)]));
      marks[`${name} end`] = { ...end, display: final <= top ? "inline" : "none" };
      rows[name] = middle[i];
      const accuracy = sweep.accuracy[i] ?? 0, fine = `loss ${number(final)}, ${number(100 * accuracy)} % right`;
      const words = final < Infinity ? fine : "diverged";
      facts[`${name} loss`] = final;
      facts[`${name} accuracy`] = accuracy;
      facts[`${name} rate`] = sweep.rates[i];
      outs[`${name} rate`] = words;
      said.push(`${name} at rate ${number(sweep.rates[i])}: ${words}`);
    }
    const curves = [{ panel: 0, from: 1, unit: "epochs", rows }];
    return { marks, facts, outs, curves, said: `${said.join("; ")}.` };
  }
  const best = () => Object.fromEntries(Object.keys(sweeps).map((name) => {
    const finals = sweeps[name].middle.map((row) => row[row.length - 1] ?? Infinity);
    return [`${name} rate`, finals.indexOf(Math.min(...finals))];
  }));
  return { picture, best };
};
