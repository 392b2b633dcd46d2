import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const source = fileURLToPath(new URL("../src/", import.meta.url));
/** What looks at a path without opening the file behind it. */
const harmless = new Set(["existsSync", "mkdirSync", "statSync", "statfs", "statfsSync", "stat"]);

// A process that closes a file gives up all its locks on it, and the next visitor takes the log away from under its open
// connections (https://sqlite.org/howtocorrupt.html, section 2.2). So only SQLite may open the database's file.
it("opens no file but through SQLite", () => {
  const taken = readdirSync(source).flatMap((file) => {
    const text = readFileSync(source + file, "utf8");
    return [...text.matchAll(/import (.*?) from "node:fs(?:\/promises)?"/gs)].flatMap(([, names = ""]) =>
      (names.match(/\w+/g) ?? []).map((name) => ({ file, name })),
    );
  });
  expect(taken.length).toBeGreaterThan(0);
  expect(taken.filter(({ name }) => !harmless.has(name))).toEqual([]);
});
