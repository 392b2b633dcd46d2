import { readdir, readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { pages, withFigures } from "../src/markdown.js";
import type { Report } from "../src/report.js";

it.each(pages)("%s shows what was measured last", async (name, textOf) => {
  const folder = new URL("../figures/", import.meta.url);
  const files = (await readdir(folder)).filter((file) => file.endsWith(".json")).sort();
  const reports = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(new URL(file, folder), "utf8")) as Report),
  );
  expect(reports.length).toBeGreaterThan(0);
  const page = await readFile(new URL(`../../../${name}`, import.meta.url), "utf8");
  expect(withFigures(page, textOf(reports))).toBe(page);
});
