import {
  type Grant,
  isRunEvent,
  type Lease,
  LOGGING_ATTEMPTS,
  type LogEntry,
  type LogLevel,
  type LogPart,
  type LogQuery,
  type LogRecord,
  packLine,
  STEP_LOG_BYTES,
  STEP_LOG_LINES,
  type Store,
} from "@jobbers/core";
import { expect } from "vitest";
import { chain, mapped, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

function line(message: string, level: LogLevel = "info", agoMs = 0): LogEntry {
  return { level, agoMs, text: packLine(message) };
}

function part(lease: Lease, from: number, ...lines: (string | LogEntry)[]): LogPart {
  return { lease, from, lines: lines.map((each) => (typeof each === "string" ? line(each) : each)) };
}

/** All lines, read in small pages. */
async function readAll(store: Store, run: string, query: Partial<LogQuery> = {}): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for (let after = query.after, n = 0; n < 2_000; n++) {
    const page = await store.readLogs(run, { limit: 7, ...query, after });
    expect(page.lines.length).toBeLessThanOrEqual(query.limit ?? 7);
    all.push(...page.lines);
    after = page.next;
    if (!page.more) return all;
  }
  throw new Error("the log never ends");
}

const messages = (lines: readonly LogRecord[]) => lines.map(({ message }) => message);

const forms = [
  ["in a short form", 1],
  ["with a long input", "x".repeat(2_000)],
] as const;

export function logs(test: BenchTest): void {
  for (const [form, input] of forms) {
    test(`lines are kept with their step and attempt: ${form}`, async ({ store, clock, submit, driver }) => {
      const run = await submit(single(), input);
      const worker = await driver(single());
      const [grant] = (await worker.take()) as [Grant];
      const nowMs = clock.now();
      const fields = { pages: 3, odd: 'quo"ted\u0000\u001f\n', list: [], big: 2 ** 53 };
      const entry: LogEntry = { level: "warn", agoMs: 30, text: packLine("tab\t \u001e é 😀", fields) };
      await store.appendLogs([part(grant.lease, 1, entry, line("plain", "debug", 12.4))]);
      const head = { step: "a", attempt: grant.lease.fence };
      expect(await store.readLogs(run, { limit: 10 })).toEqual({
        lines: [
          { ...head, number: 1, level: "warn", message: "tab\t \u001e é 😀", fields, atMs: nowMs - 30 },
          { ...head, number: 2, level: "debug", message: "plain", atMs: nowMs - 12 },
        ],
        next: expect.any(String),
        more: false,
        dropped: 0,
      });
      // Neither its end nor another form takes them away.
      await worker.fail(grant);
      expect(await readAll(store, run)).toHaveLength(2);
    });
  }

  test("a part that comes again changes nothing, and a number that is missing is told", async (bench) => {
    const { store, submit, driver } = bench;
    const run = await submit(single());
    const worker = await driver(single());
    const [{ lease }] = (await worker.take()) as [Grant];
    const before = await store.lastEvent();
    await store.appendLogs([part(lease, 1, "a", "b")]);
    await store.appendLogs([part(lease, 3, "c"), part(lease, 6, "f")]);
    await store.appendLogs([part(lease, 1, "a", "b")]);
    await store.appendLogs([part(lease, 6, "f")]);
    const page = await store.readLogs(run, { limit: 10 });
    expect(messages(page.lines)).toEqual(["a", "b", "c", "f"]);
    expect(page.lines.map(({ number }) => number)).toEqual([1, 2, 3, 6]);
    expect(page.dropped).toBe(2);
    expect(await store.readLogs(run, { limit: 10, address: "a" })).toEqual(page);
    const told = (await store.readEvents(before, 100)).events;
    expect(told.filter(isRunEvent).map(({ type, step, detail }) => [type, step, detail])).toEqual([
      ["step.logged", "a", { lines: 2 }],
      ["step.logged", "a", { lines: 1 }],
      ["step.logged", "a", { lines: 1 }],
    ]);
  });

  test("the log of a run is in the order of arrival, that of a step is its own", async (bench) => {
    const { store, submit, driver } = bench;
    const list = [0, 1, 2];
    const run = await submit(mapped(), { list });
    const other = await submit(single());
    const worker = await driver([mapped(), single()], { slots: 50 });
    const grants: Grant[] = [];
    for (let n = 0; n < 20 && grants.length < 4; n++) grants.push(...(await worker.take(50)));
    const leaseOf = (id: string, address: string) =>
      grants.find(({ lease }) => lease.run === id && lease.address === address)?.lease as Lease;
    const [first, second] = [leaseOf(run, "item[0]"), leaseOf(run, "item[1]")];
    await store.appendLogs([
      part(first, 1, "1", line("2", "debug")),
      part(second, 1, line("3", "error"), "4"),
      part(leaseOf(other, "a"), 1, "other"),
      part(first, 3, line("5", "warn"), "6"),
    ]);
    for (const limit of [1, 2, 3, 100]) {
      expect(messages(await readAll(store, run, { limit }))).toEqual(["1", "2", "3", "4", "5", "6"]);
      const ofFirst = { limit, address: "item[0]" };
      expect(messages(await readAll(store, run, ofFirst))).toEqual(["1", "2", "5", "6"]);
      expect(messages(await readAll(store, run, { ...ofFirst, level: "warn" }))).toEqual(["5"]);
      expect(messages(await readAll(store, run, { limit, level: "info" }))).toEqual([
        "1",
        "3",
        "4",
        "5",
        "6",
      ]);
    }
    expect(messages(await readAll(store, other))).toEqual(["other"]);
    expect(await readAll(store, run, { address: "item[2]" })).toEqual([]);
    // Who follows goes on from where it was.
    const { next } = await store.readLogs(run, { limit: 100 });
    expect(await store.readLogs(run, { limit: 100, after: next })).toMatchObject({
      lines: [],
      next,
      more: false,
    });
    await store.appendLogs([part(second, 3, "7")]);
    expect(messages(await readAll(store, run, { after: next }))).toEqual(["7"]);
  });

  test("of a step with too many lines the oldest go, and others' stay", async ({ store, submit, driver }) => {
    const run = await submit(mapped(), { list: [0, 1] });
    const worker = await driver(mapped(), { slots: 10 });
    const grants: Grant[] = [];
    for (let n = 0; n < 20 && grants.length < 2; n++) grants.push(...(await worker.take(10)));
    const [quiet, busy] = grants.map(({ lease }) => lease) as [Lease, Lease];
    await store.appendLogs([part(quiet, 1, "first")]);
    const size = 90;
    const sent = STEP_LOG_LINES + 3 * size;
    for (let from = 1; from <= sent; from += size) {
      const lines = Array.from({ length: size }, (_, i) => `${from + i}`);
      await store.appendLogs([part(busy, from, ...lines)]);
      if (from % 7 === 0) await store.appendLogs([part(quiet, from + 1, `quiet ${from}`)]);
    }
    const last = Math.ceil(sent / size) * size;
    const kept = await readAll(store, run, { address: busy.address, limit: 100 });
    expect(kept.length).toBeLessThanOrEqual(STEP_LOG_LINES);
    expect(kept.length).toBeGreaterThan(STEP_LOG_LINES - size);
    expect(kept.at(-1)?.number).toBe(last);
    expect(kept.map(({ number }) => number)).toEqual(kept.map((_, i) => last - kept.length + 1 + i));
    const { dropped } = await store.readLogs(run, { limit: 1, address: busy.address });
    expect(dropped).toBe(last - kept.length);
    const all = await readAll(store, run, { limit: 100 });
    expect(messages(all)[0]).toBe("first");
    expect(all.filter(({ step }) => step === busy.address)).toEqual(kept);
  });

  test("nor has a step more bytes than it may", async ({ store, submit, driver }) => {
    const run = await submit(single());
    const worker = await driver(single());
    const [{ lease }] = (await worker.take()) as [Grant];
    const long = "é".repeat(1_500);
    for (let from = 1; from <= 100; from += 5)
      await store.appendLogs([part(lease, from, ...Array.from({ length: 5 }, () => long))]);
    const kept = await readAll(store, run);
    const bytes = kept.length * Buffer.byteLength(packLine(long));
    expect(bytes).toBeLessThanOrEqual(STEP_LOG_BYTES);
    expect(bytes).toBeGreaterThan(STEP_LOG_BYTES - 6 * 3_100);
    expect(kept.at(-1)?.number).toBe(100);
    // A place whose part has gone is one to go on from all the same.
    expect(await readAll(store, run, { after: "1" })).toEqual(kept);
  });

  test("each attempt has lines of its own, also one whose lease is not the newest", async (bench) => {
    const { store, submit, driver } = bench;
    const run = await submit(single());
    const worker = await driver(single());
    const leases: Lease[] = [];
    for (let n = 0; n < LOGGING_ATTEMPTS + 2; n++) {
      const [{ lease }] = (await worker.take()) as [Grant];
      leases.push(lease);
      await store.appendLogs([part(lease, 1, `${lease.fence}`)]);
      await store.release(worker.session.id, [lease]);
    }
    const [first, , , fourth, last] = [...leases.slice(0, 4), leases.at(-1)] as [
      Lease,
      Lease,
      Lease,
      Lease,
      Lease,
    ];
    await store.appendLogs([part(fourth, 2, "late"), part(last, 2, "new"), part(fourth, 2, "late")]);
    // Of attempts too long ago the store does not know any more what it has.
    await store.appendLogs([part(first, 1, "again"), part(first, 2, "too late")]);
    const fences = leases.map(({ fence }) => `${fence}`);
    expect(messages(await readAll(store, run))).toEqual([...fences, "late", "new"]);
  });

  test("a log goes with its run, and none is kept for a run that is not there", async (bench) => {
    const { store, submit, driver, clock } = bench;
    const none = { run: "01ARZ3NDEKTSV4RRFFQ69G5FAV", address: "a", fence: 1 };
    await store.appendLogs([part(none, 1, "nobody's")]);
    expect(await store.readLogs(none.run, { limit: 5 })).toMatchObject({ lines: [], more: false });
    const worker = await driver([single(), chain(2)]);
    const runs = [await submit(single()), await submit(chain(2))];
    const grants: Grant[] = [];
    for (let n = 0; n < 10 && grants.length < 3; n++) {
      for (const grant of await worker.take()) {
        grants.push(grant);
        for (let from = 1; from <= 20; from += 2) await store.appendLogs([part(grant.lease, from, "x", "y")]);
        await worker.succeed(grant);
      }
    }
    const [one, two] = runs as [string, string];
    expect(await readAll(store, one)).toHaveLength(20);
    expect(await readAll(store, two)).toHaveLength(40);
    clock.advance(1_000);
    const gone = { ageMs: 0, count: 0 };
    const retention = { succeeded: gone, failed: gone, cancelled: gone };
    for (let n = 0; n < 200; n++) {
      if (!(await store.purge(retention, 3)).more) break;
      // Nothing is added to what is on its way out.
      for (const { lease } of grants) await store.appendLogs([part(lease, 100, "late")]);
    }
    for (const run of runs) {
      expect(await store.readLogs(run, { limit: 5 })).toMatchObject({ lines: [], dropped: 0 });
      await store.appendLogs([part({ run, address: "a", fence: 1 }, 200, "late")]);
      expect(await store.readLogs(run, { limit: 5 })).toMatchObject({ lines: [], dropped: 0 });
    }
    // When even their ids are forgotten, what they had left behind would belong to nothing: the check at the end looks for that.
    clock.advance(25 * 3_600_000);
    for (let n = 0; n < 200 && (await store.purge(retention, 100)).more; n++);
    expect(await store.getRun(one)).toBeUndefined();
  });

  test("a place that is none is refused", async ({ store, submit }) => {
    const run = await submit(single());
    for (const id of [run, "01ARZ3NDEKTSV4RRFFQ69G5FAV"]) {
      for (const after of ["", "x", "1.0", "-1", "01", "1.2.3"])
        await expect(store.readLogs(id, { limit: 1, after })).rejects.toMatchObject({
          code: "cursor-invalid",
        });
    }
    await expect(store.readLogs(run, { limit: 0 })).rejects.toMatchObject({ code: "flag-invalid" });
    expect(await store.readLogs(run, { limit: 5, after: "7" })).toMatchObject({ lines: [], more: false });
  });
}
