import { statfsSync, statSync } from "node:fs";
import { type Finding, NOT_PERMITTED } from "@jobbers/core";

const MB = 1024 ** 2;

/** Less than this left on the disk is trouble soon. */
const LITTLE_BYTES = 512 * MB;

/** A log that was not written back for so long is held by a reader that hangs. */
const LARGE_WAL_BYTES = 256 * MB;

/** The size of a store's file and its log, and the room that is left; `path` is empty where there is no file yet. */
export function diskFindings(directory: string, path: string): Finding[] {
  const space = spaceFinding(directory);
  return path === "" ? [space] : [sizeFinding(path), walFinding(path), space];
}

function sizeFinding(path: string): Finding {
  const size = sizeOf(path);
  return {
    name: "size",
    level: "ok",
    value: inMegabytes(size),
    sentence: "grows and shrinks with what retention keeps",
  };
}

function walFinding(path: string): Finding {
  const size = sizeOf(`${path}-wal`);
  const isLarge = size > LARGE_WAL_BYTES;
  const sentence = isLarge
    ? "the log cannot be written back into the file; look for a process that has a read transaction open, and end it"
    : "the log is written back as it should";
  return { name: "log", level: isLarge ? "warn" : "ok", value: inMegabytes(size), sentence };
}

function spaceFinding(directory: string): Finding {
  const name = "disk";
  try {
    const { bavail, bsize } = statfsSync(directory);
    const left = bavail * bsize;
    const level = left < LITTLE_BYTES / 16 ? "fail" : left < LITTLE_BYTES ? "warn" : "ok";
    const sentence = level === "ok" ? "there is room" : "a full disk refuses all work; make room";
    return { name, level, value: `${inMegabytes(left)} left`, sentence };
  } catch {
    const sentence = "how much room is left is not told; see to it that it is enough";
    return { name, level: "warn", value: NOT_PERMITTED, sentence };
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function inMegabytes(size: number): string {
  return `${(size / MB).toFixed(size < 10 * MB ? 1 : 0)} MB`;
}
