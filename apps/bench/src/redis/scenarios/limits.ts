import { setTimeout as pause } from "node:timers/promises";
import { type AnyTask, connect, type Jobbers, task } from "jobbers";
import { z } from "zod";
import type { Figure, Scenario } from "../../scenario.js";
import type { Bed } from "../bed.js";

const input = z.object({ n: z.number(), key: z.string() });
type Input = z.infer<typeof input>;

/** How many runs one call submits. */
const BATCH = 500;
const CONCURRENCY = 100;

/** Limits, in this process: who is not limited goes on, keys are cheap, and who waits asks for nothing. */
export const limitScenarios: readonly Scenario<Bed>[] = [
  {
    name: "10,000 keys with a limit each",
    what:
      "100,000 single tasks over 10,000 keys, five at once of each, against as many without a limit; one worker, concurrency 100, " +
      "from its start to the last handler; the cost in Redis is that of all exchanges, reports included",
    async measure(bed, scale) {
      const steps = Math.ceil(100_000 * scale);
      const keyOf = (n: number) => `key-${n % 10_000}`;
      const free = await drained(bed, { steps, keyOf, limits: [] });
      const keyed = await drained(bed, {
        steps,
        keyOf,
        limits: [{ concurrency: 5, key: (i: Input) => i.key }],
      });
      const rated = await drained(bed, {
        ...{ steps, keyOf },
        limits: [{ rate: 1_000, per: "1s", burst: 1_000, key: (i: Input) => i.key }],
      });
      return [
        { name: "no limit", value: free.rate, unit: "steps/s" },
        { name: "a concurrency each", value: keyed.rate, unit: "steps/s" },
        { name: "a rate each", value: rated.rate, unit: "steps/s" },
        costOf("cost of a step, concurrency", free.rate, keyed.rate),
        costOf("cost of a step, rate", free.rate, rated.rate),
        { name: "in Redis, concurrency", value: keyed.usPerStep / free.usPerStep, unit: "ratio" },
        { name: "in Redis, rate", value: rated.usPerStep / free.usPerStep, unit: "ratio" },
      ];
    },
  },
  {
    name: "one limited key among 100,000 steps",
    what: "100,000 single tasks, before and beside 1,000 of one key that may start once an hour",
    async measure(bed, scale) {
      const steps = Math.ceil(100_000 * scale);
      const alone = await drained(bed, { steps, keyOf: String, limits: [] });
      const beside = await drained(bed, { steps, keyOf: String, limits: [], parked: 1_000 });
      return [
        { name: "alone", value: alone.rate, unit: "steps/s" },
        { name: "beside them", value: beside.rate, unit: "steps/s" },
        {
          name: "of what they had alone",
          value: (beside.rate / alone.rate) * 100,
          unit: "%",
          target: { atLeast: 90 },
        },
      ];
    },
  },
  {
    name: "1,000 tenants that take turns",
    what: "100,000 single tasks of a task that is fair between 1,000 keys, and between 10,000, against as many of one without keys; one worker, concurrency 100",
    async measure(bed, scale) {
      const steps = Math.ceil(100_000 * scale);
      const fairTo = (n: number) => ({
        ...{ steps, limits: [], fair: (i: Input) => i.key },
        keyOf: (i: number) => `tenant-${i % n}`,
      });
      const free = await drained(bed, { steps, keyOf: String, limits: [] });
      const some = await drained(bed, fairTo(1_000));
      const many = await drained(bed, fairTo(10_000));
      return [
        { name: "no tenants", value: free.rate, unit: "steps/s" },
        { name: "1,000 tenants", value: some.rate, unit: "steps/s" },
        { name: "10,000 tenants", value: many.rate, unit: "steps/s" },
        { name: "of what there is without, 1,000", value: (some.rate / free.rate) * 100, unit: "%" },
        { name: "of what there is without, 10,000", value: (many.rate / free.rate) * 100, unit: "%" },
        { name: "in Redis, 1,000", value: some.usPerStep / free.usPerStep, unit: "ratio" },
      ];
    },
  },
  {
    name: "50,000 steps over their limit",
    what: "commands per second that reach Redis over 10 s, while 50,000 steps wait for a limit of 5 a second, and while there is nothing",
    async measure(bed, scale) {
      const ms = Math.max(3_000, 10_000 * Math.min(1, scale));
      const idle = await sent(bed, 0, ms);
      const waiting = await sent(bed, Math.ceil(50_000 * scale), ms);
      return [
        { name: "idle", value: idle, unit: "commands/s" },
        { name: "waiting", value: waiting, unit: "commands/s" },
        { name: "more, for each step let through", value: (waiting - idle) / 5, unit: "ratio" },
      ];
    },
  },
];

function costOf(name: string, free: number, limited: number): Figure {
  return { name, value: free / limited, unit: "ratio", target: { atMost: 1.5 } };
}

interface Load {
  readonly steps: number;
  readonly keyOf: (n: number) => string;
  readonly limits: Parameters<typeof task<typeof input>>[0]["limits"];
  readonly fair?: (i: Input) => string;
  /** How many steps of one key wait beside for an hour. */
  readonly parked?: number;
}

/** Submits first, then works through it. */
async function drained({ url, admin }: Bed, { steps, keyOf, limits, fair, parked = 0 }: Load) {
  await admin.flushall();
  await using jobbers = await connect(url);
  let done = 0;
  let finish: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const run = async () => void (++done === steps && finish());
  const work = task({ name: "work", input, limits, fair, run });
  const slow = task({
    ...{ name: "slow", input },
    limits: [{ rate: 1, per: "1h", key: (i) => i.key }],
    run: async () => {},
  });
  // The limits are known once a worker was there.
  const registrar = jobbers.worker({ workflows: [work, slow], concurrency: 1, queues: ["none"] });
  await registrar.start();
  await registrar.stop();
  if (parked > 0) await submit(jobbers, slow, parked, () => "one");
  await submit(jobbers, work, steps, keyOf);
  const worker = jobbers.worker({ workflows: [work, slow], concurrency: CONCURRENCY });
  const before = await exchanged(admin);
  const fromMs = performance.now();
  await worker.start();
  await all;
  const tookMs = performance.now() - fromMs;
  await worker.stop();
  const us = (await exchanged(admin)) - before;
  await admin.flushall();
  return { rate: (steps / tookMs) * 1000, usPerStep: us / steps };
}

async function submit(jobbers: Jobbers, what: AnyTask, steps: number, keyOf: (n: number) => string) {
  for (let from = 0; from < steps; from += BATCH) {
    const length = Math.min(BATCH, steps - from);
    const items = Array.from({ length }, (_, i) => ({ input: { n: from + i, key: keyOf(from + i) } }));
    const refused = (await jobbers.submitMany(what, items)).find(({ status }) => status !== "created");
    if (refused) throw new Error(`a run was not created: ${JSON.stringify(refused)}`);
  }
}

/** Microseconds that Redis has spent in scripts. */
async function exchanged(admin: Bed["admin"]): Promise<number> {
  const text = await admin.info("commandstats");
  return [...text.matchAll(/cmdstat_evalsha:calls=\d+,usec=(\d+)/g)].reduce(
    (sum, [, us]) => sum + Number(us),
    0,
  );
}

async function sent({ url, admin }: Bed, steps: number, ms: number): Promise<number> {
  await admin.flushall();
  await using jobbers = await connect(url);
  const work = task({ name: "work", input, limits: [{ rate: 5, per: "1s" }], run: async () => {} });
  const worker = jobbers.worker({ workflows: [work], concurrency: CONCURRENCY });
  await worker.start();
  if (steps > 0) await submit(jobbers, work, steps, String);
  await pause(3_000);
  const monitor = await admin.monitor();
  let n = 0;
  monitor.on("monitor", (_time: string, _args: string[], source: string) => {
    if (source !== "lua") n++;
  });
  await pause(ms);
  monitor.disconnect();
  await worker.stop({ giveBack: true });
  return (n / ms) * 1000;
}
