// Optimizers raced from one start on a surface.

const rank = (run, steps) =>
  run.diverged < Infinity ? 100 + 2 * steps
    : run.steps < Infinity ? run.steps
      : steps + 10 + Math.log10(Math.max(run.final / run.loss[0], 1e-9));

const kind = ({ optimizers: own, surfaces: all, steps, draws, sliders }) => {
  const optimizers = Object.keys(own); // by name, which hyper-parameters of the state are theirs
  const turns = sliders.includes("angle");
  function hyper(state, name) {
    return Object.fromEntries([["rate", state[`${name} rate`]], ...own[name].map((key) => [key, state[key]])]);
  }
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
};
