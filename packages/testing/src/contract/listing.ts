import { EXAMINED_LIMIT, type Retention, type RunQuery, type RunState } from "@jobbers/core";
import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { createRandom } from "../random.js";
import { chain, single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";
import { FAIL } from "./graph.js";

type Filter = Omit<RunQuery, "limit" | "cursor">;

/** All runs that a query lists, page by page, and how many pages that were. */
async function listAll({ store }: Pick<Bench, "store">, filter: Filter, limit: number) {
  const ids: string[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const page = await store.listRuns({ ...filter, limit, cursor });
    expect(page.runs.length).toBeLessThanOrEqual(limit);
    ids.push(...page.runs.map(({ id }) => id));
    cursor = page.next;
    pages += 1;
  } while (cursor !== undefined && pages < 10_000);
  return { ids, pages };
}

/** Submits so many runs at one instant, and leaves them alone; answers their ids. */
async function submitMany({ store }: Bench, count: number, parts: Parameters<typeof submissionOf>[2] = {}) {
  const first = submissionOf(single(), 1, parts);
  const batch = Array.from({ length: count }, () => ({ ...first, id: submissionOf(single()).id }));
  expect(
    (await store.submit(batch)).every(({ status }) => status === "created" || status === "existing"),
  ).toBe(true);
  return batch.map(({ id }) => id);
}

/** Runs of every kind: what a listing has to tell apart. */
interface Known {
  readonly id: string;
  readonly state: RunState;
  readonly name: string;
  readonly tags: readonly string[];
  readonly createdAtMs: number;
}

async function submitMixed(bench: Bench, random: () => number): Promise<Known[]> {
  const { store, clock } = bench;
  const pick = <T>(...from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
  const plans = [single(), chain(2)];
  const submitted = Array.from({ length: 60 }, () => ({
    plan: pick(...plans),
    fate: pick<RunState>("succeeded", "succeeded", "failed", "cancelled", "scheduled", "running"),
    tags: pick<readonly string[]>([], ["red"], ["red", "blue"]),
    waitMs: pick(0, 0, 1, 50),
  }));
  const known: Known[] = [];
  const fates = new Map<string, RunState>();
  for (const { plan, fate, tags, waitMs } of submitted) {
    clock.advance(waitMs);
    const delayMs = fate === "scheduled" ? 3_600_000 : undefined;
    const id = await bench.submit(plan, 1, { tags, delayMs });
    fates.set(id, fate);
    if (fate === "cancelled") await store.cancel(id);
    known.push({ id, state: fate, name: plan.name, tags, createdAtMs: clock.now() });
  }
  const worker = await bench.driver(plans, {
    script: ({ run }) =>
      fates.get(run) === "failed" ? FAIL : fates.get(run) === "running" ? "hold" : { succeed: 1 },
  });
  await worker.finish();
  return known;
}

const fits = (run: Known, { state, name, tag, createdAfterMs, createdBeforeMs }: Filter) =>
  (state === undefined || run.state === state) &&
  (name === undefined || run.name === name) &&
  (tag === undefined || run.tags.includes(tag)) &&
  (createdAfterMs === undefined || run.createdAtMs >= createdAfterMs) &&
  (createdBeforeMs === undefined || run.createdAtMs < createdBeforeMs);

export function listing(test: BenchTest): void {
  test("runs are found by every combination of filters, in pages of any size", async (bench) => {
    const random = createRandom(7);
    const known = (await submitMixed(bench, random)).reverse();
    const maybe = <T>(...from: readonly T[]) =>
      random() < 0.5 ? undefined : from[Math.floor(random() * from.length)];
    const instant = () => {
      const some = maybe(...known);
      return some && some.createdAtMs + Math.floor(random() * 3) - 1;
    };
    for (let n = 0; n < 150; n++) {
      const filter: Filter = {
        state: maybe<RunState>("scheduled", "running", "succeeded", "failed", "cancelled"),
        name: maybe("single", "chain", "nothing"),
        tag: maybe("red", "blue", "nothing"),
        createdAfterMs: instant(),
        createdBeforeMs: instant(),
      };
      const expected = known.filter((run) => fits(run, filter)).map(({ id }) => id);
      const { ids } = await listAll(bench, filter, 1 + Math.floor(random() * 20));
      expect(ids, JSON.stringify(filter)).toEqual(expected);
    }
  });

  test("a span of time is found among thousands, its beginning included and its end not", async (bench) => {
    // A look at thousands, which no line changes.
    if (bench.faulty) return;
    const { clock } = bench;
    const start = clock.now();
    const groups: string[][] = [];
    for (let n = 0; n < 5; n++) {
      groups.push((await submitMany(bench, 730)).reverse());
      clock.advance(1_000);
    }
    const at = (n: number) => start + n * 1_000;
    const between = async (createdAfterMs?: number, createdBeforeMs?: number) =>
      (await listAll(bench, { createdAfterMs, createdBeforeMs }, 500)).ids;
    expect(await between(at(2), at(3))).toEqual(groups[2]);
    expect(await between(at(2) + 1, at(3))).toEqual([]);
    expect(await between(at(1), at(2) + 1)).toEqual([...(groups[2] as string[]), ...(groups[1] as string[])]);
    expect(await between(undefined, at(1))).toEqual(groups[0]);
    expect(await between(at(4), undefined)).toEqual(groups[4]);
    expect(await between(at(5), undefined)).toEqual([]);
    expect(await between(undefined, at(0))).toEqual([]);
    expect(await between(at(3), at(1))).toEqual([]);
    expect((await listAll(bench, {}, 500)).ids).toEqual([...groups].reverse().flat());
    // What a span leaves out is not examined: no page is short.
    const one = await bench.store.listRuns({ limit: 1, createdBeforeMs: at(1) });
    expect(one.runs[0]?.id).toBe(groups[0]?.[0]);
  });

  test("a call examines so many runs at most, and says where it goes on", async (bench) => {
    // A look at thousands, which no line changes.
    if (bench.faulty) return;
    const [oldest] = await submitMany(bench, 1, { tags: ["rare"] });
    await submitMany(bench, EXAMINED_LIMIT + 100);
    const first = await bench.store.listRuns({ tag: "rare", limit: 10 });
    expect(first.runs).toEqual([]);
    const second = await bench.store.listRuns({ tag: "rare", limit: 10, cursor: first.next });
    expect(second.runs.map(({ id }) => id)).toEqual([oldest]);
    expect(second.next).toBeUndefined();
    expect((await listAll(bench, { name: "nothing" }, 10)).pages).toBe(2);
  });

  test("failed, cancelled and scheduled runs are found among many others at once", async (bench) => {
    // A look at thousands, which no line changes.
    if (bench.faulty) return;
    const { store, clock } = bench;
    const failed = await bench.submit(single(), "f");
    await (await bench.driver(single(), { script: () => FAIL })).finish();
    const cancelled = await bench.submit(single(), "c");
    await store.cancel(cancelled);
    const scheduled = await bench.submit(single(), "s", { delayMs: 10_000 });
    const stopped = await bench.submit(single(), "x", { delayMs: 10_000 });
    await store.cancel(stopped);
    await submitMany(bench, EXAMINED_LIMIT + 10);
    const listed = async (state: RunState) => {
      const { runs, next } = await store.listRuns({ state, limit: 10 });
      expect(next).toBeUndefined();
      return runs.map(({ id }) => id);
    };
    expect(await listed("failed")).toEqual([failed]);
    expect(await listed("cancelled")).toEqual([stopped, cancelled]);
    expect(await listed("scheduled")).toEqual([scheduled]);
    clock.advance(10_000);
    await store.promoteDue(10);
    expect(await listed("scheduled")).toEqual([]);
  });

  test("what retention has deleted, or nobody wants, is not listed", async (bench) => {
    const { store, clock } = bench;
    await bench.submit(single(), 1);
    await bench.submit(single(), 2, { keepMs: 0 });
    await (await bench.driver(single(), { script: () => FAIL })).finish();
    expect((await store.listRuns({ state: "failed", limit: 10 })).runs).toHaveLength(1);
    clock.advance(1_000);
    const none = { ageMs: 0, count: 0 };
    const nothing: Retention = { succeeded: none, failed: none, cancelled: none };
    while ((await store.purge(nothing, 100)).more);
    expect(await store.listRuns({ state: "failed", limit: 10 })).toEqual({ runs: [] });
    expect(await listAll(bench, {}, 10)).toMatchObject({ ids: [] });
    clock.advance(2 * 86_400_000);
    while ((await store.purge(nothing, 100)).more);
    const run = await bench.submit(single(), 3);
    expect((await listAll(bench, {}, 10)).ids).toEqual([run]);
    expect((await listAll(bench, { createdAfterMs: clock.now() }, 10)).ids).toEqual([run]);
  });

  test("lists of thousands go when their runs have gone, and the rest is found as before", async (bench) => {
    const { store, clock } = bench;
    const start = clock.now();
    const old = await submitMany(bench, 1_500);
    const worker = await bench.driver(single(), { leaseMs: Number.POSITIVE_INFINITY, slots: 500 });
    await worker.finish();
    clock.advance(1_000);
    const young = (await submitMany(bench, 1_500)).reverse();
    const all = { ageMs: 0, count: 10_000 };
    while ((await store.purge({ succeeded: all, failed: all, cancelled: all }, 500)).more);
    clock.advance(2 * 86_400_000);
    while ((await store.purge({ succeeded: all, failed: all, cancelled: all }, 500)).more);
    expect(await store.getRun(old[0] as string)).toBeUndefined();
    expect((await listAll(bench, {}, 200)).ids).toEqual(young);
    expect((await listAll(bench, { createdAfterMs: start }, 200)).ids).toEqual(young);
    expect((await listAll(bench, { createdBeforeMs: start + 1_000 }, 200)).ids).toEqual([]);
  });

  test("a page stays where it is, whatever is submitted meanwhile", async (bench) => {
    const runs: string[] = [];
    for (let n = 0; n < 6; n++) runs.unshift(await bench.submit(single(), n));
    const first = await bench.store.listRuns({ limit: 3 });
    await submitMany(bench, 5);
    const { ids } = await listAll(bench, {}, 100);
    const second = await bench.store.listRuns({ limit: 3, cursor: first.next });
    expect([...first.runs, ...second.runs].map(({ id }) => id)).toEqual(runs);
    expect(ids.slice(5)).toEqual(runs);
  });

  test("a cursor that is none of the store's is refused", async ({ store, submit }) => {
    await submit(single());
    await submit(single());
    const { next } = await store.listRuns({ limit: 1 });
    const own = next as string;
    const letter = own.charAt(0);
    const other = letter === "a" ? "b1" : "a1";
    const wrong = [
      "",
      "x",
      "17",
      "-1",
      letter,
      `${letter}-1`,
      `${letter}1.5`,
      `${letter}1e3`,
      `${letter}NaN`,
      ` ${own}`,
    ];
    for (const cursor of [
      ...wrong,
      `${own}x`,
      `${letter}9007199254740993`,
      `${letter}01`,
      other,
      "__proto__",
      17,
    ]) {
      await expect(
        store.listRuns({ limit: 1, cursor: cursor as string }),
        String(cursor),
      ).rejects.toMatchObject({ code: "cursor-invalid" });
    }
    for (const cursor of [`${letter}0`, `${letter}9007199254740991`]) {
      expect((await store.listRuns({ limit: 1, cursor })).runs.length).toBeLessThan(2);
    }
  });

  test("a limit or an instant that is no number is refused", async ({ store }) => {
    for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(store.listRuns({ limit })).rejects.toMatchObject({ code: "flag-invalid" });
    }
    for (const createdAfterMs of [Number.NaN, Number.NEGATIVE_INFINITY]) {
      await expect(store.listRuns({ limit: 1, createdAfterMs })).rejects.toMatchObject({
        code: "flag-invalid",
      });
    }
  });
}
