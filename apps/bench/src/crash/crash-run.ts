import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createRandom } from "@jobbers/testing";
import { hostIdentity } from "@jobbers/worker";
import { connect, type Jobbers } from "jobbers";
import { createCrew } from "./crew.js";
import type { Violation } from "./evidence.js";
import type { FaultKind } from "./fault.js";
import { createInjector } from "./injector.js";
import type { IntakeLine, WorkLine } from "./ledgers.js";
import { readLines } from "./line-file.js";
import { watchLag } from "./machine-lag.js";
import { leftovers, settle } from "./settling.js";
import { starvationProblem, starvations } from "./starvation.js";
import type { StoreUnderTest } from "./store-under-test.js";
import { createSubmitter } from "./submitter.js";
import { recoveryMs, type Terms } from "./terms.js";
import { type Demands, isEnough } from "./vacuity.js";
import { judge, type Verdict } from "./verdict.js";
import { watchFeed } from "./watch.js";
import { watchWork } from "./work-watch.js";

/** What a crash run is told. */
export interface CrashOptions {
  readonly store: StoreUnderTest;
  readonly kinds: readonly FaultKind[];
  /** Holds the ledgers and the processes' logs. */
  readonly folder: string;
  readonly seed: number;
  readonly durationMs: number;
  readonly workers: number;
  /** Runs a second. */
  readonly rate: number;
  /** The mean time from one fault to the next. */
  readonly everyMs: number;
  readonly terms: Terms;
  /** How long everything may take to come to rest after the last fault. */
  readonly settleMs: number;
  /** Is told now and then how far it is. */
  readonly tell: (line: string) => void;
  /** Ends the faults early. */
  readonly signal?: AbortSignal | undefined;
}

const TELL_MS = 5_000;

/** How much longer than half as long again it may take until each kind of fault has been injected, and enough was done. */
const EXTRA_MS = 20_000;

/** A call to a store that went away is given up after 15 s, and a worker may wait for one when it ends. */
const CALL_MS = 15_000;
const MAX_BACKLOG = 100;
const ENOUGH_MS = 200;

/**
 * Runs workers and a submitter, injects faults for a time, lets everything come to rest, and judges what is left.
 *
 * However it ends, no process of its own is left.
 */
export async function crashRun(options: CrashOptions): Promise<Verdict> {
  const { store, folder, terms, seed, rate } = options;
  const paths = { a: join(folder, "submitted.jsonl"), b: join(folder, "executed.jsonl") };
  const jobbers = await connect(store.url);
  const crew = createCrew({ store: store.clientUrl, folder, ledger: paths.b, terms, hostOf });
  const submitter = createSubmitter(
    { store: store.clientUrl, ledger: paths.a, seed, rate, longestMs: terms.longestMs, backlog: MAX_BACKLOG },
    folder,
  );
  const feed = watchFeed(jobbers.store);
  const machine = watchLag();
  try {
    await refuseUsed(jobbers, store.url);
    const names = Array.from({ length: options.workers }, (_, i) => `worker-${i + 1}`);
    await Promise.all([...names.map((name) => crew.start(name)), submitter.start()]);

    const demands: Demands = {
      kinds: options.kinds.map(({ name }) => name),
      succeeded: Math.max(10, Math.floor((0.1 * rate * options.durationMs) / 1000)),
    };
    const random = createRandom(seed);
    const work = watchWork(paths.b);
    const scene = { crew, submitter, work, terms, random, isShared: store.isShared };
    const injector = createInjector(options.kinds, scene, options.everyMs);
    const [over, ended] = [new AbortController(), new AbortController()];
    const timers = [
      setTimeout(() => over.abort(), options.durationMs),
      setTimeout(() => ended.abort(), 1.5 * options.durationMs + EXTRA_MS),
      setInterval(() => options.tell(progressOf(paths, injector)), TELL_MS),
    ];
    options.signal?.addEventListener("abort", () => ended.abort(), { once: true });
    try {
      await injector.run({ over: over.signal, ended: ended.signal });
      while (!ended.signal.aborted && !isEnough(readLines<IntakeLine>(paths.a).lines, demands))
        await sleep(ENOUGH_MS, undefined, { signal: ended.signal }).catch(() => {});
    } finally {
      timers.forEach(clearTimeout);
    }
    options.tell(`${progressOf(paths, injector)}; no more faults, settling`);
    const restless: Violation[] = [];
    if (!(await submitter.finish(options.settleMs)))
      restless.push({ class: "other", what: "the submitter did not get an answer for everything" });
    // Leases of the last victims have to end before anything can be said to be left over.
    if (injector.faults.length > 0) await sleep(terms.sweepMs);
    const alive = () => crew.idle().map(({ pid }) => pid);
    restless.push(...(await settle(jobbers.store, alive, options.settleMs)));
    await crew.drain(terms.graceMs + recoveryMs(terms) + CALL_MS);
    restless.push(...(await leftovers(jobbers.store)));
    await feed.finish();

    const intake = readLines<IntakeLine>(paths.a);
    const executed = readLines<WorkLine>(paths.b);
    const starved = starvations(executed.lines, injector.faults, terms);
    const faults = [...injector.faults, ...starved];
    restless.push(
      ...starvationProblem(starved, { lives: crew.lives, lags: machine.lags }, options.durationMs),
    );
    const evidence = {
      ...{ terms, intake: intake.lines, work: executed.lines, torn: intake.torn + executed.torn },
      ...{ faults, lives: crew.lives, lags: machine.lags, ends: feed.ends() },
    };
    await writeFile(
      join(folder, "faults.jsonl"),
      faults.map((fault) => `${JSON.stringify(fault)}\n`).join(""),
    );
    const verdict = await judge(jobbers, evidence, demands);
    const troubles = crew.troubles.map((what): Violation => ({ class: "other", what }));
    return { ...verdict, violations: [...restless, ...troubles, ...verdict.violations] };
  } finally {
    crew.kill();
    submitter.kill();
    feed.abandon();
    machine.stop();
    await jobbers.close();
  }
}

/** The first two workers see each other's end at once; every other claims a machine of its own, whose leases must run out. */
function hostOf(name: string): string {
  return name === "worker-1" || name === "worker-2" ? hostIdentity() : `${hostIdentity()} ${name}`;
}

async function refuseUsed(jobbers: Jobbers, url: string): Promise<void> {
  const { runs } = await jobbers.store.listRuns({ limit: 1 });
  if (runs.length > 0) throw new Error(`${url} holds runs already; a crash run needs a store of its own`);
}

function progressOf(
  { a, b }: { readonly a: string; readonly b: string },
  { faults, open }: { readonly faults: readonly { readonly kind: string }[]; readonly open: number },
): string {
  const told = readLines<IntakeLine>(a).lines.filter(({ type }) => type === "acknowledged").length;
  const done = readLines<WorkLine>(b).lines.filter(({ type }) => type === "finished").length;
  return `${told} runs acknowledged, ${done} handlers finished, ${faults.length} faults over, ${open} under way`;
}
