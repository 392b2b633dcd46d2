import type { ErrorLine } from "./cause.js";

const MAX_MESSAGE = 300;
const MAX_NAMES = 5;

/** A number as people read it: `1,204`. */
export function figure(n: number): string {
  return n.toLocaleString("en-US");
}

/** A number of things: `1 step`, `1,204 steps`. */
export function many(n: number, noun: string): string {
  return `${figure(n)} ${noun}${n === 1 ? "" : "s"}`;
}

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** A length of time in its two largest units: `1 h 12 min`, `3 s`. */
export function span(ms: number): string {
  if (ms < 1_000) return "less than a second";
  const first = units.findIndex(([, size]) => ms >= size);
  const [unit, size] = units[first] as (typeof units)[number];
  const whole = Math.floor(ms / size);
  const next = units[first + 1];
  const rest = next ? Math.floor((ms - whole * size) / next[1]) : 0;
  return next && rest > 0 ? `${whole} ${unit} ${rest} ${next[0]}` : `${whole} ${unit}`;
}

/** An instant to the second. */
export function instant(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}

/** A few names: `a, b and c`, `a, b, c, d, e and 7 others`. */
export function listed(names: readonly string[], total = names.length): string {
  const shown = names.slice(0, MAX_NAMES);
  const rest = total - shown.length;
  const parts = rest > 0 ? [...shown, rest === 1 ? "1 other" : `${figure(rest)} others`] : shown;
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** The first line of a kept error; errors are JSON texts that anybody may have written. */
export function errorLine(text: string | undefined): ErrorLine | undefined {
  if (text === undefined) return undefined;
  try {
    return shortened(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** An error with no more of its message than one line. */
export function shortened(error: unknown): ErrorLine {
  const { name, message } = (typeof error === "object" && error ? error : {}) as Partial<
    Record<string, unknown>
  >;
  const line = String(message ?? "").split("\n", 1)[0] as string;
  return { name: String(name ?? "Error"), message: line.slice(0, MAX_MESSAGE) };
}

/** An error in a sentence. */
export function showError({ name, message }: ErrorLine): string {
  return message === "" ? name : `${name}: ${message.replace(/\.$/, "")}`;
}
