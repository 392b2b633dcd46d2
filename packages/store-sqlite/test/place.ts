import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A directory of a test file's own, gone when its tests are over. */
export function testDirectory(): string {
  return directoryIn(tmpdir());
}

const SHARED_MEMORY = "/dev/shm";
const ROOMY_BYTES = 2 ** 30;

/**
 * One in memory, where the system offers that and has room: files, locks and processes are there what they are on a disk, but an fsync
 * takes no time. For what makes hundreds of stores.
 */
export function memoryDirectory(): string {
  return directoryIn(isRoomy(SHARED_MEMORY) ? SHARED_MEMORY : tmpdir());
}

/** Containers often have only 64 MiB of it. */
function isRoomy(path: string): boolean {
  if (!existsSync(path)) return false;
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize > ROOMY_BYTES;
}

function directoryIn(parent: string): string {
  const directory = mkdtempSync(join(parent, "jobbers-sqlite-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The repository, whose tsconfig.test.json lets child processes run the sources. */
export const root = new URL("../../../", import.meta.url);
