// The position of a slider is a whole number, the value a round one.

const scales = {
  log: {
    value(p) {
      const decade = Math.floor(p / 75), k = p - 75 * decade;
      const mantissa = k < 20 ? 1 + 0.05 * k : k < 50 ? 2 + 0.1 * (k - 20) : 5 + 0.2 * (k - 50);
      return Number((mantissa * 10 ** decade).toPrecision(3));
    },
    position(v) {
      const decade = Math.floor(Math.log10(v) + 1e-12), m = v / 10 ** decade;
      return 75 * decade + Math.round(m < 2 ? (m - 1) / 0.05 : m < 5 ? 20 + (m - 2) / 0.1 : 50 + (m - 5) / 0.2);
    },
  },
  zero: {
    value: (p, low) => (p <= low ? 0 : scales.log.value(p)),
    position: (v, low) => (v > 0 ? scales.log.position(v) : low),
  },
  memory: {
    value: (p) => Number((1 - scales.log.value(-p)).toPrecision(6)),
    position: (v) => -scales.log.position(1 - v),
  },
  linear: { value: (p) => p, position: (v) => v },
};
