// Values to pixels, and lines of them as path data.

const DOTS = 50; // the steps that get a dot on the path

const axis = ([low, high, log], length) => (v) =>
  length * (log ? Math.log10(Math.max(v, 1e-300) / low) / Math.log10(high / low) : (v - low) / (high - low));

const place = (panel) => {
  const across = axis(panel.x, panel.w), up = axis(panel.y, panel.h);
  return ([x, y]) => [across(x), panel.h - up(y)];
};

// Path data in tenths of a pixel, relative, without the points that fall on the one before.
const tenths = (v) => Math.round(10 * Math.max(-5000, Math.min(5000, v)));
const pair = (x, y) => `${x / 10},${y / 10}`;

function lines(points, join) {
  let [[x, y], ...rest] = points.map((point) => point.map(tenths)), text = `M${pair(x, y)}`;
  for (const [a, b] of rest) {
    if (a !== x || b !== y) text += join + pair(a - x, b - y);
    [x, y] = [a, b];
  }
  return text;
}
const trace = (points) => lines(points, "l");
const dots = (points) => lines(points.slice(0, DOTS), "h0m") + "h0";
const move = (point) => ({ transform: `translate(${pair(...point.map(tenths))})` });
const points = (panel, ys, from = 0) => ys.map((y, i) => [i + from, y]).map(place(panel));

// An arrow as path data, its line and its head; both "" where it is shorter than a pixel.
function arrow(from, to, head) {
  const dx = to[0] - from[0], dy = to[1] - from[1], length = Math.hypot(dx, dy);
  if (!(length > 1)) return ["", ""];
  const size = Math.min(head, 0.6 * length), x = dx / length, y = dy / length, half = 0.48 * size;
  const base = [to[0] - size * x, to[1] - size * y];
  const corners = [to, [base[0] - half * y, base[1] + half * x], [base[0] + half * y, base[1] - half * x]];
  return [trace([from, base]), `${trace(corners)}z`];
}

// Put a text into a node. Its text node stays: a new one would have the page's styles worked out anew.
function rewrite(node, text) {
  if (node.textContent === text) return;
  if (node.childNodes.length === 1 && text) node.firstChild.nodeValue = text;
  else node.textContent = text;
}
