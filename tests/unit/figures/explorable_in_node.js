// Runs the explorables' script in Node for the tests: node explorable_in_node.js < asked.json > answers.json
// Asked are `script`, the body of a figure's script, and `requests`: [name, argument, ...] for a function in it, or for one below.
"use strict";

const { script, requests } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const page = { querySelectorAll: () => [] };
const inside = new Function("document", `"use strict"; ${script}; return (name) => eval(name);`)(page);

const figure = (spec) => inside("kind")(spec.data);

// The values a slider can take, `by` positions apart, as the page would find them.
const grid = (sliders) => (name, by) => {
  const { scale, low, high } = sliders[name], values = [];
  for (let p = low; p <= high; p += by) values.push(inside("scales")[scale].value(p, low));
  return values;
};

const answers = {
  picture: (spec) => figure(spec).picture(spec.state, spec.panels),
  best: (spec, sliders) => figure(spec).best(spec.state, grid(sliders)),
  value: (scale, positions) => positions.map((p) => inside("scales")[scale].value(p, -1000)),
  position: (scale, values) => values.map((v) => inside("scales")[scale].position(v, -1000)),
  number: (values) => values.map(inside("number")),
  workedOf: (name, environment) => inside("worked")(inside("rules")[name], environment),
  designed: (shape, warmup, floor, times) => times.map((time) => inside("designed")(shape, warmup, floor, time)),
};

const results = requests.map(([name, ...args]) => (answers[name] || inside(name))(...args));
process.stdout.write(JSON.stringify(results, (_, v) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v)));
