import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, readSync, writeSync } from "node:fs";

/** A file of JSON lines that several processes may append to, and that survives their death at any moment. */
export interface LineFile<Line> {
  /** Appends lines in one write; with `sync` they are on the disk when it returns. */
  append(lines: readonly Line[], sync?: boolean): void;
  close(): void;
}

/** Opens a file of JSON lines for appending, and ends a line that a killed process has left torn. */
export function openLines<Line>(path: string): LineFile<Line> {
  const file = openSync(path, "a+");
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  if (size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 10) writeSync(file, "\n");
  return {
    append(lines, sync = false) {
      if (lines.length === 0) return;
      writeSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
      if (sync) fsyncSync(file);
    },
    close: () => closeSync(file),
  };
}

/** Reads a file of JSON lines; `torn` counts those that are none. A file that is not there has no lines. */
export function readLines<Line>(path: string): { readonly lines: readonly Line[]; readonly torn: number } {
  const lines: Line[] = [];
  let torn = 0;
  for (const text of textOf(path).split("\n")) {
    if (text === "") continue;
    try {
      lines.push(JSON.parse(text) as Line);
    } catch {
      torn++;
    }
  }
  return { lines, torn };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
