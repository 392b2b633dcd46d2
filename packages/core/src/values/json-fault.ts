import type { Path } from "../plan/plan.js";
import { showPath } from "./show-path.js";

/** Says whether a value that goes too deep along a path leads back into itself, and where, or is only nested too deeply. */
export function tooDeep(value: unknown, what: string, path: Path, maxDepth: number): [Path, string] {
  const seen = new Map<unknown, number>([[value, 0]]);
  let part = value;
  for (const [i, key] of path.entries()) {
    part = (part as Record<string | number, unknown>)[key];
    const before = seen.get(part);
    if (before !== undefined) {
      return [path.slice(0, i + 1), `is a cycle: it leads back to ${what}${showPath(path.slice(0, before))}`];
    }
    seen.set(part, i + 1);
  }
  return [path, `is nested deeper than ${maxDepth} levels`];
}
