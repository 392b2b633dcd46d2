import type { Grant, KeyClaim, RunRecord, Store, Submission, SubmitResult } from "@jobbers/core";
import fc from "fast-check";
import { expect } from "vitest";
import type { Driver } from "../driver.js";
import { submissionOf } from "../factories.js";
import { single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

/** How many stories are told to each store, and how long one is; more find rarer things, and take longer. */
const STORIES = 8;
const LENGTH = 25;

const TTL_MS = 3_000;
const WAIT_MS = 1_000;
const MAX_MS = 2_500;

type Uses = "idempotency" | "singleton" | "debounce" | "throttle";

interface Asked {
  readonly use: Uses;
  readonly key: string;
  readonly mode: "usual" | "reject" | "replace";
  readonly input: number;
  /** Which of the submitters sends it. */
  readonly by: number;
}

type Deed =
  | { readonly do: "submit"; readonly asked: readonly Asked[] }
  | { readonly do: "resend" | "cancel" | "retry"; readonly which: number }
  | { readonly do: "advance"; readonly ms: number }
  | { readonly do: "take" | "succeed" | "fail" };

const asked: fc.Arbitrary<Asked> = fc.record({
  use: fc.constantFrom<Uses>("idempotency", "singleton", "debounce", "throttle"),
  key: fc.constantFrom("k", "l"),
  mode: fc.constantFrom("usual", "reject", "replace"),
  input: fc.nat(2),
  by: fc.nat(1),
});

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("submit"),
      asked: fc.array(asked, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("resend", "cancel", "retry"), which: fc.nat(1_000) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("advance"), ms: fc.integer({ min: 1, max: 1_500 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("take", "succeed", "fail") }) },
) as fc.Arbitrary<Deed>;

function claimOf({ use, mode, ...rest }: Asked, story: number): KeyClaim {
  const key = `${story}-${rest.key}`;
  const asks = mode === "usual" ? undefined : mode;
  switch (use) {
    case "idempotency":
      return { scope: use, key, until: "time", holdMs: TTL_MS, ifHeld: asks ?? "same" };
    case "singleton":
      return { scope: use, key, until: "end", ifHeld: asks ?? "existing" };
    case "debounce":
      return { scope: use, key, until: "begin", ifHeld: "replace", maxMs: MAX_MS };
    case "throttle":
      return { scope: use, key, until: "time", holdMs: TTL_MS, ifHeld: "existing" };
  }
}

/** What a debounced key is expected to come to: which run starts when. */
interface Pending {
  readonly id: string;
  readonly firstMs: number;
  readonly dueMs: number;
}

/** One story, told to a store by several submitters. */
class Story {
  readonly #bench: Bench;
  readonly #stores: readonly Store[];
  readonly #worker: Driver;
  readonly #number: number;
  readonly #sent: Submission[] = [];
  readonly #created = new Set<string>();
  readonly #replaced = new Set<string>();
  readonly #held: Grant[] = [];
  readonly #pending = new Map<string, Pending>();

  constructor(bench: Bench, stores: readonly Store[], worker: Driver, number: number) {
    this.#bench = bench;
    this.#stores = stores;
    this.#worker = worker;
    this.#number = number;
  }

  async tell(each: Deed): Promise<void> {
    switch (each.do) {
      case "submit":
        await this.#submit(each.asked);
        break;
      case "advance":
        await this.#advance(each.ms);
        break;
      case "take":
        this.#held.push(...(await this.#worker.take()));
        break;
      case "succeed":
      case "fail": {
        const grant = this.#held.shift();
        if (grant) await this.#worker[each.do](grant);
        break;
      }
      default:
        await this.#steer(each.do, each.which);
    }
    await this.#check();
  }

  /** Submits through all stores at once; what one store is sent comes there in order. */
  async #submit(list: readonly Asked[]): Promise<void> {
    const batches = this.#stores.map((_, by) =>
      list
        .filter((each) => each.by % this.#stores.length === by)
        .map((each) => {
          const parts = each.use === "debounce" ? { delayMs: WAIT_MS } : {};
          return submissionOf(single(), each.input, { claim: claimOf(each, this.#number), ...parts });
        }),
    );
    // Two submitters that debounce one key at once come in any order, which a model cannot know.
    const isFree = batches.filter((batch) => batch.length > 0).length === 1;
    const sent = batches.map(async (batch, by) => {
      const results = batch.length === 0 ? [] : await (this.#stores[by] as Store).submit(batch);
      for (const [i, result] of results.entries()) this.#heard(batch[i] as Submission, result, isFree);
    });
    await Promise.all(sent);
    this.#sent.push(...batches.flat());
  }

  #heard(submission: Submission, result: SubmitResult, isFree: boolean): void {
    const { id, claim } = submission;
    if (result.status === "existing" && result.id !== id) {
      expect(claim?.scope).not.toBe("debounce");
      return;
    }
    if (result.status !== "created" && result.status !== "existing") return;
    this.#created.add(id);
    if (claim?.scope !== "debounce") return;
    if (!isFree) {
      this.#pending.delete(claim.key);
      return;
    }
    const now = this.#bench.clock.now();
    const firstMs = this.#pending.get(claim.key)?.firstMs ?? now;
    this.#pending.set(claim.key, { id, firstMs, dueMs: Math.min(now + WAIT_MS, firstMs + MAX_MS) });
  }

  async #advance(ms: number): Promise<void> {
    const { clock, store } = this.#bench;
    clock.advance(ms);
    while ((await store.promoteDue(100)).promoted === 100);
    for (const [key, { id, dueMs }] of this.#pending) {
      const record = await store.getRun(id);
      const isDue = dueMs <= clock.now();
      if (record?.state !== "cancelled")
        expect(record?.state === "scheduled", `${id} is ${record?.state}`).toBe(!isDue);
      if (isDue) this.#pending.delete(key);
    }
  }

  async #steer(what: "resend" | "cancel" | "retry", which: number): Promise<void> {
    const submission = this.#sent[which % Math.max(1, this.#sent.length)];
    if (!submission) return;
    const { store } = this.#bench;
    const { id } = submission;
    if (what === "resend" && this.#created.has(id)) {
      expect((await store.submit([submission]))[0]).toMatchObject({ status: "existing", id });
    } else if (what === "cancel") {
      await store.cancel(id);
      for (const [key, pending] of this.#pending) if (pending.id === id) this.#pending.delete(key);
    } else if (what === "retry") await store.retry(id);
  }

  async #check(): Promise<void> {
    const records = await Promise.all([...this.#created].map((id) => this.#bench.store.getRun(id)));
    const byKey = new Map<string, RunRecord[]>();
    for (const record of records as RunRecord[]) {
      if (record.replacedBy !== undefined) this.#checkReplaced(record);
      const name = `${record.key?.scope} ${record.key?.key}`;
      byKey.set(name, [...(byKey.get(name) ?? []), record]);
    }
    for (const [name, runs] of byKey) this.#checkKey(name, runs);
  }

  #checkReplaced(record: RunRecord): void {
    this.#replaced.add(record.id);
    expect(record).toMatchObject({ state: "cancelled" });
    expect(record.startedAtMs).toBeUndefined();
    expect(this.#created).toContain(record.replacedBy);
  }

  #checkKey(name: string, runs: readonly RunRecord[]): void {
    if (name.startsWith("singleton")) {
      const open = runs.filter(({ endedAtMs }) => endedAtMs === undefined);
      expect(open.length, name).toBeLessThanOrEqual(1);
    } else if (name.startsWith("debounce")) {
      const waiting = runs.filter(({ state }) => state === "scheduled");
      expect(waiting.length, name).toBeLessThanOrEqual(1);
    } else {
      // One run at any time: each holds the key until its time is over, or another takes its place.
      const kept = runs
        .filter(({ id }) => !this.#replaced.has(id))
        .sort((a, b) => a.createdAtMs - b.createdAtMs);
      for (const [i, run] of kept.slice(1).entries())
        expect(run.createdAtMs, name).toBeGreaterThanOrEqual((kept[i] as RunRecord).createdAtMs + TTL_MS);
    }
  }
}

/** Random stories of few keys, told by submitters that hear nothing of each other. */
export function keysStory(test: BenchTest): void {
  test(
    "whatever several submitters ask for: one unfinished singleton, one run a key and time, the last debounced one",
    async (bench) => {
      const stores = bench.reopen ? [bench.store, await bench.reopen()] : [bench.store];
      let number = 0;
      const story = fc.asyncProperty(fc.array(deed, { minLength: 5, maxLength: LENGTH }), async (deeds) => {
        number++;
        const worker = await bench.driver(single(), { leaseMs: Number.POSITIVE_INFINITY });
        const told = new Story(bench, stores, worker, number);
        for (const each of deeds) await told.tell(each);
        await bench.store.closeSession(worker.session.id);
      });
      await fc.assert(story, { numRuns: STORIES, seed: 21_112_026, endOnFailure: false });
    },
    { timeoutMs: 60_000 },
  );
}
