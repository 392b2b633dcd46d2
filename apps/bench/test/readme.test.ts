import { readdir, readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { places, withFigures } from "../src/markdown.js";
import type { Report } from "../src/report.js";

it.each(places)("$page shows what was measured last of the $of", async (place) => {
  const folder = new URL("../figures/", import.meta.url);
  const files = (await readdir(folder)).filter((file) => file.endsWith(".json")).sort();
  const all = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(new URL(file, folder), "utf8")) as Report),
  );
  const reports = all.filter(({ of }) => of === place.of);
  expect(reports.length).toBeGreaterThan(0);
  const page = await readFile(new URL(`../../../${place.page}`, import.meta.url), "utf8");
  expect(withFigures(page, place, reports)).toBe(page);
});
