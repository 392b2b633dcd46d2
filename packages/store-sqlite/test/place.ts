import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A directory of a test file's own, gone when its tests are over. */
export function testDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "jobbers-sqlite-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The repository, whose tsconfig.test.json lets child processes run the sources. */
export const root = new URL("../../../", import.meta.url);
