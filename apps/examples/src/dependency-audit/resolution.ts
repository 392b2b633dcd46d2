import { isInstallPath, type LockEntry } from "./lockfile.js";
import { byCodeUnit } from "./order.js";

type Entries = ReadonlyMap<string, LockEntry>;

/** One package that another asks for: where it was found, and the range that was asked. */
export interface Need {
  path: string;
  range: string;
}

/** What a package asks for, as found in the lockfile, and what was asked but is not there. */
export interface Needs {
  readonly needs: Need[];
  readonly unresolved: string[];
}

/** The path a name resolves to when asked for from `from`, looking upwards through node_modules as node does. */
export function resolve(entries: Entries, from: string, name: string): string | undefined {
  let folder = from;
  for (;;) {
    // A folder called node_modules is never searched for a node_modules of its own.
    if (folder !== "node_modules" && !folder.endsWith("/node_modules")) {
      const path = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
      const entry = entries.get(path);
      if (entry !== undefined) return target(entries, path, entry);
    }
    if (folder === "") return undefined;
    folder = folder.slice(0, Math.max(folder.lastIndexOf("/"), 0));
  }
}

/** What the entry at `path` asks for; a workspace and the project itself also need their development dependencies. */
export function needsOf(entries: Entries, path: string, entry: LockEntry): Needs {
  const optional = { ...entry.peerDependencies, ...entry.optionalDependencies };
  const own = isInstallPath(path) ? {} : entry.devDependencies;
  const asked = Object.entries({ ...optional, ...own, ...entry.dependencies, ...entry.optionalDependencies });
  const needs: Need[] = [];
  const unresolved: string[] = [];
  for (const [name, range] of asked.sort(([a], [b]) => byCodeUnit(a, b))) {
    const found = resolve(entries, path, name);
    if (found !== undefined) needs.push({ path: found, range });
    // npm may leave optional and peer dependencies out without anything being wrong.
    else if (!Object.hasOwn(optional, name)) unresolved.push(`${name}@${range}`);
  }
  return { needs: needs.sort((a, b) => byCodeUnit(a.path, b.path)), unresolved };
}

function target(entries: Entries, path: string, entry: LockEntry): string {
  return entry.link && typeof entry.resolved === "string" && entries.has(entry.resolved)
    ? entry.resolved
    : path;
}
