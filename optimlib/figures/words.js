// Numbers as a reader is told them.

function number(v) {
  if (!Number.isFinite(v)) return "∞";
  const plain = v === 0 || (Math.abs(v) >= 1e-3 && Math.abs(v) < 1e5);
  return (plain ? String(Number(v.toPrecision(3))) : v.toExponential(1)).replaceAll("-", "−");
}
