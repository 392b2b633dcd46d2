/** Orders by UTF-16 code unit: the same on every machine, whatever its locale. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A comparison by one text of each item, by code unit. */
export function by<T>(text: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => byCodeUnit(text(a), text(b));
}

/** A comparison by one number of each item, the largest first; what ties is ordered by text. */
export function largestFirst<T>(size: (item: T) => number, text: (item: T) => string) {
  return (a: T, b: T): number => size(b) - size(a) || byCodeUnit(text(a), text(b));
}

/**
 * Orders versions as a person reads them: numbers by value, `2.0.0-rc.1` before `2.0.0`.
 * Total even for what is no semantic version, because the reports must not depend on a lockfile being well-formed.
 */
export function byVersion(a: string, b: string): number {
  const [left, right] = [split(a), split(b)];
  return compareParts(left.core, right.core) || comparePre(left.pre, right.pre) || byCodeUnit(a, b);
}

interface Parts {
  readonly core: readonly string[];
  readonly pre: readonly string[];
}

function split(version: string): Parts {
  const [plain = ""] = version.split("+");
  const dash = plain.indexOf("-");
  if (dash < 0) return { core: plain.split("."), pre: [] };
  return { core: plain.slice(0, dash).split("."), pre: plain.slice(dash + 1).split(".") };
}

function comparePre(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  return compareParts(a, b);
}

function compareParts(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = comparePart(a[i] ?? "", b[i] ?? "");
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function comparePart(a: string, b: string): number {
  const [left, right] = [isNumber(a), isNumber(b)];
  if (left && right) return Number(a) - Number(b);
  if (left !== right) return left ? -1 : 1;
  return byCodeUnit(a, b);
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}
