// Newton-Schulz on an ellipse.

const kind = ({ steps: last, points: count, coefficients }) => {
  const angle = Math.PI / 6;
  function picture({ thin, steps, coefficients: chosen }, [ellipse, course]) {
    const [a, b, c] = coefficients[chosen], length = Math.sqrt(1 + thin * thin), axes = { long: [1 / length], short: [thin / length] };
    for (const row of Object.values(axes))
      for (let t = 0; t < last; t++) row.push(a * row[t] + b * row[t] ** 3 + c * row[t] ** 5);
    const long = axes.long[steps], short = axes.short[steps], round = [];
    for (let i = 0; i <= count; i++) {
      const turn = (2 * Math.PI * i) / count, along = long * Math.cos(turn), across = short * Math.sin(turn);
      round.push([Math.cos(angle) * along - Math.sin(angle) * across, Math.sin(angle) * along + Math.cos(angle) * across]);
    }
    const marks = { ellipse: trace(round.map(place(ellipse))) };
    for (const name in axes) {
      marks[name] = trace(points(course, axes[name]));
      marks[`${name} now`] = move(place(course)([steps, axes[name][steps]]));
    }
    return {
      marks, facts: { long, short }, outs: {},
      curves: [{ panel: 1, from: 0, rows: axes }],
      said: `After ${steps} steps the half-axes are ${number(long)} and ${number(short)}.`,
    };
  }
  return { picture };
};
