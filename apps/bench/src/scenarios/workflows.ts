import { setTimeout as sleep } from "node:timers/promises";
import { batchTask, dag, type Items, isItems, items, task } from "jobbers";
import { z } from "zod";

/** A task that does nothing, so that only the engine is measured. */
export const noop = task({
  name: "noop",
  input: z.object({ n: z.number() }),
  async run({ n }) {
    return n;
  },
});

/** The same, with a policy that it never needs: a second try, time limits, and hooks that do nothing. */
export const noopWithPolicy = task({
  name: "noop-with-policy",
  input: z.object({ n: z.number() }),
  retry: { attempts: 5, delay: "1s", max: "1m" },
  timeout: "30s",
  heartbeat: "10s",
  hooks: { onStart() {}, onSuccess() {}, onError() {}, onSettled() {} },
  async run({ n }) {
    return n;
  },
});

/** A task that waits for somebody else: a round trip of 1 ms. */
export const roundTrip = task({
  name: "round-trip",
  input: z.object({ n: z.number() }),
  async run({ n }) {
    await sleep(1);
    return n;
  },
});

/** The same for a hundred steps with one round trip. */
export const roundTripBatch = batchTask({
  name: "round-trip-batch",
  input: z.object({ n: z.number() }),
  batch: { size: 100 },
  async run(inputs) {
    await sleep(1);
    return inputs.map(({ n }) => n);
  },
});

/** Five steps, one after the other. */
export const chain = chainOf("chain", 5);

/** Forty steps, one after the other. */
export const longChain = chainOf("long-chain", 40);

function chainOf(name: string, length: number) {
  return dag(name, { input: z.object({ n: z.number() }) }, ({ n }) => {
    let last = noop({ n });
    for (let i = 1; i < length; i++) last = noop({ n: last });
    return last;
  });
}

const join = task({
  name: "join",
  input: z.object({ left: z.number(), right: z.number() }),
  async run({ left, right }) {
    return left + right;
  },
});

/** One step, two side by side, one that joins them. */
export const diamond = dag("diamond", { input: z.object({ n: z.number() }) }, ({ n }) => {
  const top = noop({ n });
  return join({ left: noop({ n: top }), right: noop({ n: top }) });
});

const numbers = task({
  name: "numbers",
  input: z.object({ count: z.number() }),
  async run({ count }) {
    return Array.from({ length: count }, (_, i) => i);
  },
});

const total = task({
  name: "total",
  input: z.object({ count: z.number() }),
  async run({ count }) {
    return count;
  },
});

/** A map of any width whose join takes only how many there were. */
export const wide = dag("wide", { input: z.object({ count: z.number() }) }, ({ count }) => {
  const done = numbers({ count }).map((n) => noop({ n }));
  return total({ count: done.length });
});

const page = task({
  name: "page",
  input: z.object({ n: z.number() }),
  // With its quotation marks it is 1 KiB and 2 bytes of JSON.
  run: async ({ n }) => String(n).padEnd(1_024, "x"),
});

const readAll = task({
  name: "read-all",
  input: z.object({ pages: z.custom<Items<string>>(isItems) }),
  async run({ pages }) {
    let chars = 0;
    for await (const each of pages) chars += each.length;
    return { chars };
  },
});

/** A map of any width whose children answer 1 KiB each, and a join that takes all of them. */
export const pagedJoin = dag("paged-join", { input: z.object({ count: z.number() }) }, ({ count }) =>
  readAll({ pages: items(numbers({ count }).map((n) => page({ n }))) }),
);
