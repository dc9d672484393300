// Runs the explorables' script in Node for the tests: node explorable_in_node.js script.js < requests.json > answers.json
// A request is [name, argument, ...] for a function of the script, ["picture" or "best", figure] for a figure's own.
"use strict";

const script = require(require("path").resolve(process.argv[2]));

const figure = (spec) => script.kinds[spec.kind](spec.data);

// The values a slider can take, `by` positions apart, as the page would find them.
const grid = (sliders) => (name, by) => {
  const { scale, low, high } = sliders[name], values = [];
  for (let p = low; p <= high; p += by) values.push(script.scales[scale].value(p, low));
  return values;
};

const answers = {
  picture: (spec) => figure(spec).picture(spec.state, spec.panels),
  best: (spec, sliders) => figure(spec).best(spec.state, grid(sliders)),
  value: (scale, positions) => positions.map((p) => script.scales[scale].value(p, -1000)),
  position: (scale, values) => values.map((v) => script.scales[scale].position(v, -1000)),
  number: (values) => values.map(script.number),
  designed: (shape, warmup, floor, times) => times.map((time) => script.designed(shape, warmup, floor, time)),
};

const requests = JSON.parse(require("fs").readFileSync(0, "utf8"));
const results = requests.map(([name, ...args]) => (answers[name] || script[name])(...args));
process.stdout.write(JSON.stringify(results, (_, v) => (typeof v === "number" && !Number.isFinite(v) ? String(v) : v)));
