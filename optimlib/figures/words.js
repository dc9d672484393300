// Numbers as a reader is told them.

function number(v) {
  if (!Number.isFinite(v)) return "∞";
  const plain = v === 0 || (Math.abs(v) >= 1e-3 && Math.abs(v) < 1e5);
  return (plain ? String(Number(v.toPrecision(3))) : v.toExponential(1)).replaceAll("-", "−");
}

// A number in so many digits; given: a setting, without zeros at its end.
function significant(v, digits, given = false) {
  if (v === 0) return "0";
  const size = Math.abs(v);
  if (size >= 1e-4 && size < 1e5) {
    const text = v.toPrecision(digits);
    return given || text.includes("e") ? String(Number(text)) : text;
  }
  const text = v.toExponential(Math.min(digits - 2, 2)).replace("e+", "e");
  return text.replace(/(\.\d*?)0+e/, "$1e").replace(".e", "e");
}

const decimals = (v, places) => v.toFixed(places).replace(/^-(?=[0.]+$)/, "");
