// How long a step each weight took: a histogram at each of some steps of a run.

const kind = ({ times, edges, rows: all }) => {
  function picture(state, panels) {
    const i = state.time, marks = {}, facts = { time: times[i] }, said = [], rows = {};
    for (const [name, settings] of Object.entries(all)) {
      const { shares, median, spread } = settings[i], heights = [0, ...shares.flatMap((share) => [share, share]), 0];
      marks[name] = trace(heights.map((height, k) => [edges[Math.floor(k / 2)], height]).map(place(panels[0])));
      facts[`${name} median`] = median;
      facts[`${name} spread`] = spread;
      said.push(`${name} moves half of the weights by more than ${number(median)}, and a tenth ${number(spread)} times as far as another tenth`);
    }
    return { marks, facts, outs: {}, said: `Step ${number(times[i])}: ${said.join("; ")}.` };
  }
  return { picture };
};
