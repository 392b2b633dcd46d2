import { readdir, readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { markdownOf, withFigures } from "../src/markdown.js";
import type { Report } from "../src/report.js";

it("shows in the README what was measured last", async () => {
  const folder = new URL("../figures/", import.meta.url);
  const files = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  const reports = await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(new URL(name, folder), "utf8")) as Report),
  );
  expect(reports.length).toBeGreaterThan(0);
  const readme = await readFile(new URL("../../../README.md", import.meta.url), "utf8");
  expect(withFigures(readme, markdownOf(reports))).toBe(readme);
});
