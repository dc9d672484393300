// Curves that were measured, one setting at a time.

const kind = ({ slider, values, first, unit, curves: measured }) => {
  function picture(state, panels) {
    const i = state[slider], marks = {}, facts = { [slider]: values[i] }, rows = {}, ends = [];
    for (const [name, settings] of Object.entries(measured)) {
      const { low, middle, high } = settings[i], line = (row) => points(panels[0], row.filter((v) => v !== null), first);
      marks[`${name} curve`] = middle[0] === null ? "" : trace(line(middle));
      marks[`${name} band`] = middle[0] === null ? "" : `${trace([...line(low), ...line(high).reverse()])}z`;
      rows[name] = middle;
      facts[name] = middle[middle.length - 1] ?? Infinity;
      ends.push(`${name} ${number(facts[name])}`);
    }
    const said = `${slider} ${number(values[i])}: at the end ${ends.join("; ")}.`;
    return { marks, facts, outs: {}, said, curves: [{ panel: 0, from: first, unit, rows }] };
  }
  return { picture };
};
