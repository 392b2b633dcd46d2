import { createRequire } from "node:module";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Notes which files of a project were loaded; what lies in node_modules is none of it. */
export interface LoadedFiles {
  /** To be told of each module that is imported. */
  readonly onImport: (url: string) => void;
  /** The files so far, those that were required included. */
  list(): string[];
}

/** Makes a note of loaded files, beginning with those that are to be loaded. */
export function createLoadedFiles(first: readonly string[]): LoadedFiles {
  const imported = new Set<string>(first);
  const { cache } = createRequire(import.meta.url);
  const before = new Set(Object.keys(cache));
  return {
    onImport(url) {
      if (url.startsWith("file:")) imported.add(fileURLToPath(url));
    },
    list() {
      // Modules that are CommonJS are known by their path, behind which tsx writes its namespace.
      const required = Object.keys(cache).filter((key) => !before.has(key) && key.startsWith(sep));
      const all = [...imported, ...required.map((key) => key.replace(/\?.*$/s, ""))];
      return [...new Set(all)].filter((path) => !path.includes(`${sep}node_modules${sep}`));
    },
  };
}
