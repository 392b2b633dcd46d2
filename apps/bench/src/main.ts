import { readFile, writeFile } from "node:fs/promises";
import { type Flags, readFlags, usage } from "./flags.js";
import { httpSuite } from "./http/suite.js";
import { markdownOf, places, withFigures } from "./markdown.js";
import { redisSuite } from "./redis/suite.js";
import { machine, type Report, summarise, tableOf } from "./report.js";
import { type Figure, type Suite, within } from "./scenario.js";
import { sqliteSuite } from "./sqlite.js";

/** No round of any scenario takes nearly so long, in milliseconds. */
const ROUND_MS = 10 * 60_000;

try {
  const flags = readFlags();
  if (flags.help) process.stdout.write(usage);
  else if (flags.readme) await writePages(await reportsOf(flags.files));
  else if (flags.markdown) process.stdout.write(markdownOf(await reportsOf(flags.files)));
  else await bench(flags);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(2);
}

async function bench(flags: Flags): Promise<void> {
  await using suite = await suiteOf(flags);
  const giveUp = async () => {
    await suite[Symbol.asyncDispose]();
    process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void giveUp());
  const report = await measure(suite, flags);
  const { machine, store, measured } = report;
  process.stdout.write(`${JSON.stringify(machine)}\n${store}\n\n${tableOf(measured)}\n`);
  if (flags.json) await writeFile(flags.json, `${JSON.stringify(report, null, 2)}\n`);
}

function suiteOf(flags: Flags): Promise<Suite> | Suite {
  if (flags.http) return httpSuite(flags);
  return flags.store === "redis" ? redisSuite(flags) : sqliteSuite(flags.dir);
}

async function measure({ store, scenarios }: Suite, { http, only, rounds, scale }: Flags): Promise<Report> {
  const on = machine();
  const measured = [];
  for (const scenario of scenarios.filter(({ name }) => name.includes(only))) {
    const results: Figure[][] = [];
    for (let round = 1; round <= rounds; round++) {
      process.stderr.write(`${scenario.name}: round ${round} of ${rounds} …\n`);
      results.push(await within(ROUND_MS * Math.max(1, scale), scenario.name, scenario.measure(scale)));
    }
    measured.push(summarise(scenario, results));
  }
  return { of: http ? "http" : "engine", machine: on, store, rounds, scale, measured };
}

/** Writes the figures into the pages that show them. */
async function writePages(reports: readonly Report[]): Promise<void> {
  for (const place of places) {
    const own = reports.filter((report) => report.of === place.of);
    if (own.length === 0) continue;
    const file = new URL(`../../../${place.page}`, import.meta.url);
    await writeFile(file, withFigures(await readFile(file, "utf8"), place, own));
    process.stdout.write(`${place.page} has the figures of the ${place.of}.\n`);
  }
}

async function reportsOf(files: readonly string[]): Promise<Report[]> {
  if (files.length === 0) throw new Error("--markdown and --readme take the files that --json has written.");
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  return texts.map((text) => JSON.parse(text) as Report);
}
