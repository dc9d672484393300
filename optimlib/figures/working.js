// The rule of an optimizer with the numbers of one step filled in: see working.py.

const ROLES = ["kept", "push", "decay"]; // the terms of a step, in the order of their arrows
const operations = {
  "+": (a, b) => a + b, "-": (a, b) => (b === undefined ? -a : a - b), "*": (a, b) => a * b, "/": (a, b) => a / b,
  "**": (a, b) => a ** b, ">": (a, b) => a > b, ">=": (a, b) => a >= b, "<": (a, b) => a < b, "<=": (a, b) => a <= b,
  "==": (a, b) => a === b,
  where: (test, a, b) => (test ? a : b), maximum: Math.max, minimum: Math.min,
};

// The number that an expression comes to; environment: a number for each name.
function value(expression, environment) {
  if (typeof expression === "string") return environment[expression];
  if (typeof expression === "number") return expression;
  const [operator, ...operands] = expression;
  return (operations[operator] || Math[operator])(...operands.map((one) => value(one, environment)));
}

const summands = (expression) =>
  (expression[0] === "+" || expression[0] === "-") && expression.length === 3
    ? [...summands(expression[1]), expression[2]] : [expression];

// One step of one weight: the texts of each line, and the terms of the step.
function worked(rule, environment) {
  const lines = [], found = {}, last = rule.lines.length - 1;
  const settings = new Set(["lr", "t", ...Object.keys(rule.hyper).map((name) => `self.${name}`)]);
  const roles = ["kept", "push"].filter((role) => role in rule.terms);
  environment = { ...environment };
  if (rule.terms.decay) found.decay = value(rule.terms.decay, environment);
  rule.lines.forEach(([name, expression, leaves], i) => {
    if (name === rule.split || (i === last && !rule.split))
      for (const role of roles) found[role] = value(rule.terms[role], environment);
    lines.push(texts(expression, leaves, environment, settings));
    if (i === last && rule.split)
      for (const role of roles) found[role] = value(expression, { ...environment, w: 0, [rule.split]: found[role] });
    environment[name] = value(expression, environment);
  });
  const names = ROLES.filter((role) => role in found), terms = {};
  for (const role of names) terms[role] = found[role];
  if (names.length > 1) {
    const total = names.reduce((sum, role) => ["+", sum, role]);
    lines.push(texts(total, names.map((role, i) => [role, i > 0]), terms, new Set()));
  }
  return { lines, terms };
}

const exponent = (size) => Math.floor(Math.log10(size));

// The texts of a line: sign, result, and one for each of its names.
function texts(expression, leaves, environment, settings) {
  const result = value(expression, environment), size = Math.abs(result);
  const sizes = summands(expression).map((term) => Math.abs(value(term, environment))).filter((v) => v > 0).map(exponent);
  const largest = Math.max(...sizes), smallest = Math.min(...sizes);
  const places = sizes.length ? Math.max(0, 2 - largest, Math.min(1 - smallest, 3 - largest)) : 0;
  const odd = size >= 1e5 || (10 ** -places / 2 <= size && size < 1e-4);
  const resultText = odd ? significant(result, 3) : decimals(result, places), unit = 10 ** (odd ? exponent(size) - 1 : -places);
  const show = (digits) => Object.fromEntries(leaves.map(([name]) =>
    [name, settings.has(name) ? significant(environment[name], 6, true) : significant(environment[name], digits)]));
  let shown, sign = "≈";
  for (let digits = 3; digits < 7 && sign === "≈"; digits++) {
    shown = show(digits);
    const numbers = Object.fromEntries(Object.entries(shown).map(([name, text]) => [name, Number(text)]));
    if (Math.abs(value(expression, numbers) - Number(resultText)) <= unit * (0.5 + 1e-9)) sign = "=";
  }
  if (sign === "≈") shown = show(4);
  const numbers = leaves.map(([name, wrap]) => (wrap && shown[name].startsWith("-") ? `(${shown[name]})` : shown[name]));
  return [sign, ...[resultText, ...numbers].map((text) => text.replaceAll("-", "−"))];
}

// Write the texts into the columns of a rule; each: what `worked` gave for each weight.
function fill(rule, each) {
  [...rule.querySelectorAll(".x-line-of")].forEach((line, i) => {
    const nodes = line.querySelectorAll("[data-n]"), rows = line.classList.contains("x-both") ? each.length : 1;
    const results = each.slice(0, rows).map((one) => one.lines[i][1]).join(" and ");
    line.setAttribute("aria-label", `${line.dataset.code}: ${results}`);
    const order = each[0].lines[i].map((_, k) => (k < 2 ? 1 - k : k)); // the result stands before the sign
    order.forEach((k, column) => {
      for (let row = 0; row < rows; row++) {
        rewrite(nodes[column * rows + row], each[row].lines[i][k]);
      }
    });
  });
}
