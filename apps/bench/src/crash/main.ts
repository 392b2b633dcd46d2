import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machine } from "../report.js";
import { crashTable, violationText } from "./crash-report.js";
import { crashRun } from "./crash-run.js";
import { type Flags, flagsOf, UsageError, usage } from "./flags.js";
import { limitsRun } from "./limits/limits-run.js";
import { openUnderTest, type StoreUnderTest } from "./store-under-test.js";
import { recoveryMs, termsOf } from "./terms.js";

try {
  const flags = flagsOf(process.argv.slice(2));
  if (flags === "help") process.stdout.write(usage);
  else process.exitCode = await main(flags);
} catch (error) {
  process.stderr.write(
    `${error instanceof UsageError ? error.message : String((error as Error).stack ?? error)}\n`,
  );
  process.exitCode = 2;
}

interface Place {
  readonly folder: string;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

async function limits(flags: Flags, store: StoreUnderTest, { folder, tell, signal }: Place): Promise<number> {
  const { seed, minutes, workers, everyMs } = flags;
  const terms = termsOf(flags.leaseMs, flags.slots);
  tell(
    `seed ${seed}: ${minutes} min of kill and stop on ${store.url}, ${workers} workers; traces in ${folder}`,
  );
  const report = await limitsRun({
    ...{ store, folder, seed, workers, everyMs, terms, tell, signal },
    ...{ durationMs: minutes * 60_000, settleMs: 30_000 },
  });
  if (flags.json)
    await writeFile(flags.json, `${JSON.stringify({ seed, minutes, terms, ...report }, null, 2)}\n`);
  const { violations, faults, runs, succeeded, leases, lost } = report;
  process.stdout.write(
    `seed ${seed}, ${minutes} min, ${store.url.replace(/:.*/s, "")}, ${workers} workers of ${terms.slots} slots, lease ${terms.leaseMs} ms\n` +
      `${runs} runs, ${succeeded} steps succeeded under ${leases} leases, ${lost} with a slot lost by ${faults.length} faults\n` +
      `at most ${report.mostOfKey} of a key and ${report.mostOfRole} of the role at once, ${report.mostStarts} starts of a key a second\n`,
  );
  if (violations.length > 0) process.stdout.write(`\n${violations.join("\n")}\ntraces are in ${folder}\n`);
  else if (flags.keep) tell(`traces are kept in ${folder}`);
  else await rm(folder, { recursive: true, force: true });
  return violations.length > 0 ? 1 : 0;
}

async function main(flags: Flags): Promise<number> {
  const { seed, minutes, workers, rate, everyMs } = flags;
  const folder = await mkdtemp(join(tmpdir(), "jobbers-crash-"));
  const tell = (line: string) => process.stderr.write(`${line}\n`);
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort());

  const store = await openUnderTest({ url: flags.store, folder, appendfsync: flags.appendfsync });
  try {
    if (flags.limits) return await limits(flags, store, { folder, tell, signal: interrupted.signal });
    const kinds = flags.kindsOf(store.faults);
    const names = kinds.map(({ name }) => name).join(",");
    const terms = termsOf(flags.leaseMs, flags.slots);
    tell(
      `seed ${seed}: ${minutes} min of ${names || "no fault"} on ${store.url}, ${workers} workers; traces in ${folder}`,
    );
    const verdict = await crashRun({
      ...{ store, kinds, folder, seed, workers, rate, everyMs, terms, tell },
      durationMs: minutes * 60_000,
      settleMs: 30_000,
      signal: interrupted.signal,
    });
    const { runs, executions, held, contested } = verdict;
    const report = {
      seed,
      minutes,
      store: store.url,
      workers,
      rate,
      everyMs,
      terms,
      machine: machine(),
      ...verdict,
    };
    if (flags.json) await writeFile(flags.json, `${JSON.stringify(report, null, 2)}\n`);
    process.stdout.write(
      `seed ${seed}, ${minutes} min, ${store.url.replace(/:.*/s, "")}, ${workers} workers of ${terms.slots} slots, lease ${terms.leaseMs} ms\n` +
        `${runs.submitted} runs submitted, ${runs.acknowledged} acknowledged: ${runs.succeeded} succeeded, ${runs.failed} failed ` +
        `(${runs.quarantined} quarantined); ${executions} executions; killed workers held ${held} steps; ` +
        `${contested} steps were finished while another was at them\n\n${crashTable(verdict)}\n` +
        `recovery from one fault takes ${Math.round(recoveryMs(terms))} ms at the most, and as much more for each that overlaps it\n`,
    );
    const failed = verdict.violations.length > 0;
    if (failed) process.stdout.write(`\n${violationText(verdict, { store: store.url, folder })}\n`);
    else if (flags.keep) tell(`traces are kept in ${folder}`);
    if (!failed && !flags.keep) await rm(folder, { recursive: true, force: true });
    return failed ? 1 : 0;
  } finally {
    await store.close();
  }
}
