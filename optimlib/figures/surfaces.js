// The surfaces: value and slopes at (x, y); p are the numbers that make one.

const surfaces = {};
const sigmoid = (z) => 0.5 * (1 + Math.tanh(z / 2));

surfaces.Quadratic = {
  hessian({ curvatures: [a, b], angle }) {
    const c = Math.cos((angle * Math.PI) / 180), s = Math.sin((angle * Math.PI) / 180);
    return [a * c * c + b * s * s, (a - b) * c * s, a * s * s + b * c * c];
  },
  value(p, x, y) {
    const [xx, xy, yy] = surfaces.Quadratic.hessian(p);
    return (xx * x * x + 2 * xy * x * y + yy * y * y) / 2;
  },
  slopes(p, x, y) {
    const [xx, xy, yy] = surfaces.Quadratic.hessian(p);
    return [xx * x + xy * y, xy * x + yy * y];
  },
};
surfaces.Plateau = {
  value: ({ samples }, w, b) => samples.reduce((sum, [x, y]) => sum + (sigmoid(w * x + b) - y) ** 2, 0) / 4,
  slopes({ samples }, w, b) {
    let dw = 0, db = 0;
    for (const [x, y] of samples) {
      const a = sigmoid(w * x + b), delta = ((a - y) * a * (1 - a)) / 2;
      dw += delta * x;
      db += delta;
    }
    return [dw, db];
  },
};
surfaces.Saddle = {
  value: (p, x, y) => (x * x) / 2 + (y * y - 1) ** 2 / 4,
  slopes: (p, x, y) => [x, y * (y * y - 1)],
};
surfaces.Rosenbrock = {
  value: (p, x, y) => (1 - x) ** 2 + 100 * (y - x * x) ** 2,
  slopes: (p, x, y) => [-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)],
};
surfaces.Beale = {
  value: ({ constants }, x, y) => constants.reduce((sum, [i, c]) => sum + (c - x + x * y ** i) ** 2, 0),
  slopes({ constants }, x, y) {
    let dx = 0, dy = 0;
    for (const [i, c] of constants) {
      const r = c - x + x * y ** i;
      dx += 2 * r * (y ** i - 1);
      dy += 2 * r * x * i * y ** (i - 1);
    }
    return [dx, dy];
  },
};
surfaces.Ripples = {
  value({ height, length }, x, y) {
    const k = (2 * Math.PI) / length;
    return (x * x + y * y) / 2 + height * (2 - Math.cos(k * x) - Math.cos(k * y));
  },
  slopes({ height, length }, x, y) {
    const k = (2 * Math.PI) / length;
    return [x + height * k * Math.sin(k * x), y + height * k * Math.sin(k * y)];
  },
};
