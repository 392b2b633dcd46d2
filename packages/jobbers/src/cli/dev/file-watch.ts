import { existsSync, type FSWatcher, statSync, watch } from "node:fs";
import { dirname, extname, join } from "node:path";

/** Tells when one of some files was changed, also by being replaced, as editors do. */
export interface FileWatch {
  /**
   * Watches these files besides those that it watches already.
   *
   * @param sinceMs a file that is new here and was changed after this moment counts as changed now
   */
  add(files: readonly string[], sinceMs: number): void;
  /** Whether files that are not watched count too: what could not be loaded may wait for one that is not there yet. */
  beCurious(curious: boolean): void;
  close(): void;
}

/** For how long changes are gathered: a save is several events, and often several files. */
const GATHER_MS = 80;
const code = new Set([".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".cjs", ".json"]);

/** Makes a watch that tells the paths of files that have changed. */
export function createFileWatch(onChange: (files: readonly string[]) => void): FileWatch {
  const seen = new Map<string, string>();
  const directories = new Map<string, FSWatcher>();
  const changed = new Set<string>();
  let curious = false;
  let timer: NodeJS.Timeout | undefined;

  const note = (file: string) => {
    changed.add(file);
    clearTimeout(timer);
    timer = setTimeout(() => {
      // By now the file may be as it was: a save in place may come as a truncation and a write.
      const real = [...changed].filter((each) => seen.get(each) !== lookOf(each));
      changed.clear();
      for (const each of real) seen.set(each, lookOf(each));
      if (real.length > 0) onChange(real);
    }, GATHER_MS);
  };
  const watchDirectory = (directory: string) => {
    if (directories.has(directory) || !existsSync(directory)) return;
    const watcher = watch(directory, (_event, name) => {
      if (name === null) for (const file of seen.keys()) note(file);
      else {
        const file = join(directory, name);
        if (seen.has(file) || (curious && code.has(extname(file)))) note(file);
      }
    });
    // A directory that is removed is watched no longer; its files have changed by then.
    watcher.on("error", () => directories.delete(directory));
    directories.set(directory, watcher);
  };
  return {
    add(files, sinceMs) {
      for (const file of files) {
        if (seen.has(file)) continue;
        seen.set(file, lookOf(file));
        watchDirectory(dirname(file));
        if ((statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > sinceMs) {
          seen.set(file, "");
          note(file);
        }
      }
    },
    beCurious(now) {
      curious = now;
    },
    close() {
      clearTimeout(timer);
      for (const watcher of directories.values()) watcher.close();
    },
  };
}

/** What tells one version of a file from the next. */
function lookOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found ? `${found.mtimeMs} ${found.size} ${found.ino}` : "gone";
}
