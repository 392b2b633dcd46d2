/** A whole number with commas between thousands, whatever the machine's locale. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** A size in decimal units: `1.2 MB`. */
export function bytes(value: number): string {
  let [size, unit] = [value, 0];
  // From 999.5 on, rounding would show "1000".
  while (size >= 999.5 && unit < UNITS.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${unit === 0 || size >= 99.95 ? Math.round(size) : size.toFixed(1)} ${UNITS[unit]}`;
}

/** A share in percent; what is little but not nothing says so. */
export function percent(part: number, whole: number): string {
  if (whole === 0 || part === 0) return "0 %";
  const share = (part / whole) * 100;
  if (share < 0.5) return "<1 %";
  return part < whole && share > 99 ? ">99 %" : `${Math.round(share)} %`;
}

/** The noun in the form that fits the number. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
