import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { machine, summarise, tableOf } from "./report.js";
import type { Figure } from "./scenario.js";
import { scenarios } from "./scenarios/all.js";

const usage = `Usage: npm run bench [-- OPTIONS]

Measures the embedded SQLite store (a file, WAL, synchronous=FULL) with one process.

  --only NAME     only the scenarios whose name contains NAME
  --rounds N      rounds to take the median of (default 3)
  --scale F       multiplies the work of each scenario (default 1; 0.05 is a quick look)
  --json FILE     writes the figures there as JSON too
  --dir DIR       where the database files are made (default: the system's temporary folder)
`;

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
    json: { type: "string" },
    dir: { type: "string", default: tmpdir() },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) {
  process.stdout.write(usage);
} else {
  const rounds = atLeast("--rounds", flags.rounds, 1);
  const scale = atLeast("--scale", flags.scale, 0.001);
  const chosen = scenarios.filter((scenario) => scenario.name.includes(flags.only));
  const measured = [];
  for (const scenario of chosen) {
    const results: Figure[][] = [];
    for (let round = 1; round <= rounds; round++) {
      process.stderr.write(`${scenario.name}: round ${round} of ${rounds} …\n`);
      const folder = await mkdtemp(join(flags.dir, "jobbers-bench-"));
      try {
        results.push(await scenario.measure(folder, scale));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
    measured.push(summarise(scenario, results));
  }
  const report = {
    machine: machine(),
    store: "sqlite, WAL, synchronous=FULL, one process",
    rounds,
    scale,
    measured,
  };
  process.stdout.write(`${JSON.stringify(report.machine)}\n\n${tableOf(measured)}\n`);
  if (flags.json) await writeFile(flags.json, `${JSON.stringify(report, null, 2)}\n`);
}

function atLeast(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  process.stderr.write(`${flag} takes a number of at least ${least}, not "${text}".\n`);
  process.exit(2);
}
