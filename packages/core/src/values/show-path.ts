import type { Path } from "../plan/plan.js";
import { quoted } from "./quoted.js";

/** Writes a path as one would in code, `.list[3]["a b"]`, the middle of a long one left out. */
export function showPath(path: Path): string {
  const parts = path.map((key) => {
    if (typeof key === "number") return `[${key}]`;
    return /^[A-Za-z_$][\w$]{0,59}$/.test(key) ? `.${key}` : `[${quoted(key)}]`;
  });
  return parts.length > 12 ? [...parts.slice(0, 8), " … ", ...parts.slice(-3)].join("") : parts.join("");
}
