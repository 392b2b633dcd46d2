import {
  type DeclaredLimit,
  FAIR,
  type Grant,
  type LimitEdit,
  type LimitUse,
  type Store,
  type TaskLimits,
} from "@jobbers/core";
import fc from "fast-check";
import { checkAll } from "../check-all.js";
import type { OpenStore } from "../contract/bench.js";
import { type Driver, openDriver } from "../driver.js";
import { newRunId, submissionOf } from "../factories.js";
import { createFakeClock, type FakeClock } from "../fake-clock.js";
import { fromInput, planOf, taskStep, wire } from "../plans.js";
import { storySettings } from "./story-settings.js";

/** How much the test does. */
export interface LimitsOptions {
  /** How many schedules are tried; default 20. */
  readonly runs?: number | undefined;
  readonly seed?: number | undefined;
  readonly path?: string | undefined;
}

/** What a schedule is made of. */
type Act =
  | {
      readonly do: "submit";
      readonly key: number;
      readonly n: number;
      readonly says: boolean;
      readonly priority: number;
    }
  | { readonly do: "take"; readonly worker: number; readonly slots: number }
  | {
      readonly do: "end";
      readonly pick: number;
      readonly how: "succeed" | "fail" | "retry" | "release" | "cancel";
    }
  | { readonly do: "crash"; readonly worker: number }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "edit"; readonly limit: 0 | 1 | 2; readonly most: number }
  | { readonly do: "cast"; readonly most: number };

const KEYS = ["x", "y", "z"];
const WORKERS = 4;
const SWEEP_MS = 5_000;

/** The greatest that any edit sets; all checks of rates go by them. */
const MOST = { rate: 10, burst: 3 } as const;
const RATE = "a/rate";
const SLOTS = "a/concurrency";
const SHARED = "all";

/** The role of every other worker. */
const ROLE = "crew";
const ROLE_CAP = 2;

const declared: readonly DeclaredLimit[] = [
  { name: RATE, setting: { rate: MOST.rate, perMs: 1_000, burst: MOST.burst }, isKeyed: true },
  { name: SLOTS, setting: { concurrency: 2 }, isKeyed: true },
  { name: SHARED, setting: { concurrency: 4 }, isKeyed: false },
];

const usesOf = (key: string, isFair: boolean): LimitUse[] => [
  ...(isFair ? [{ limit: FAIR, key: `of ${key}`, cost: 1 }] : []),
  ...[RATE, SLOTS].map((limit) => ({ limit, key, cost: 1 })),
];

const plan = planOf("limited", [taskStep("a", { input: wire(fromInput()) })]);

const acts = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("submit" as const),
      key: fc.nat(KEYS.length - 1),
      n: fc.integer({ min: 1, max: 6 }),
      says: fc.boolean(),
      priority: fc.constantFrom(5, 5, 5, 8),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("take" as const),
      worker: fc.nat(WORKERS - 1),
      slots: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("end" as const),
      pick: fc.nat(100),
      how: fc.constantFrom(
        ...(["succeed", "succeed", "succeed", "fail", "retry", "release", "cancel"] as const),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), worker: fc.nat(WORKERS - 1) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constantFrom(1_000, SWEEP_MS, 3_600_000)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("edit" as const),
      limit: fc.constantFrom(...([0, 1, 2] as const)),
      most: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("cast" as const), most: fc.integer({ min: 1, max: 4 }) }),
  },
);

interface Start {
  readonly key: string;
  readonly atMs: number;
}

/** One schedule, as it goes on. */
class Story {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly keys = new Map<string, string>();
  readonly starts: Start[] = [];
  readonly caps = new Map<string, number>([
    [SLOTS, 2],
    [SHARED, 4],
    [ROLE, ROLE_CAP],
  ]);
  workers: Driver[] = [];
  held: { grant: Grant; worker: Driver }[] = [];

  constructor(
    store: Store,
    clock: FakeClock,
    /** True where the keys are tenants as well, which take turns. */
    readonly isFair: boolean,
  ) {
    this.store = store;
    this.clock = clock;
  }

  /** A worker; every other one has the role. */
  open(at: number): Promise<Driver> {
    return openDriver(this.store, {
      ...(at % 2 === 0 && { role: ROLE }),
      ...{ serves: ["a"], leaseMs: 10_000, limits: [this.#declared()] },
      limitsOf: (_task, input) => usesOf(String(input), this.isFair),
    });
  }

  #declared(): TaskLimits {
    return { task: "a", limits: declared, ...(this.isFair && { fairIn: "all" }) };
  }

  async perform(act: Act): Promise<void> {
    switch (act.do) {
      case "submit":
        return this.#submit(act);
      case "take":
        return this.#take(this.workers[act.worker] as Driver, act.slots);
      case "end":
        return this.#end(act.pick, act.how);
      case "crash":
        // It never says anything again; its lease runs out by and by.
        this.workers[act.worker] = await this.open(act.worker);
        return;
      case "wait":
        return this.wait(act.ms);
      case "edit":
        return this.#edit(act.limit, act.most);
      case "cast":
        return this.cast(act.most);
    }
  }

  async #submit({ key, n, says, priority }: Extract<Act, { do: "submit" }>): Promise<void> {
    const text = KEYS[key] as string;
    const limits = says ? { limits: usesOf(text, this.isFair) } : {};
    const batch = Array.from({ length: n }, () =>
      submissionOf(plan, text, { id: newRunId(), priority, ...limits }),
    );
    for (const each of batch) this.keys.set(each.id, text);
    await this.store.submit(batch);
  }

  async #take(worker: Driver, slots: number): Promise<void> {
    const before = await this.#usage();
    const grants = await worker.take(slots);
    for (const grant of grants) {
      this.held.push({ grant, worker });
      this.starts.push({ key: this.keys.get(grant.lease.run) as string, atMs: this.clock.now() });
    }
    const after = await this.#usage();
    for (const [limit, n] of after) {
      const cap = this.caps.get(limit.split(" ")[0] as string) as number;
      // An edit may leave more of them than there may be; then none is let in.
      if (n > Math.max(cap, before.get(limit) ?? 0))
        throw new Error(`${limit} has ${n} at once, ${cap} may be`);
    }
  }

  /** Lets the role run so many steps at once. */
  async cast(most: number): Promise<void> {
    await this.store.setRole(ROLE, { queues: { default: 1 }, concurrency: most }, "tester");
    this.caps.set(ROLE, most);
  }

  /** How many leases there are, as the store has them, by limit and key, and of the role. */
  async #usage(): Promise<Map<string, number>> {
    const usage = new Map<string, number>();
    const add = (limit: string) => usage.set(limit, (usage.get(limit) ?? 0) + 1);
    // All that `take` leaves in hand is to be run.
    for (const { session, role } of await this.store.listWorkers())
      for (const { run } of await this.store.listHeld(session)) {
        if (role !== undefined) add(ROLE);
        add(`${SLOTS} ${this.keys.get(run)}`);
        add(SHARED);
      }
    const { running } = await this.store.readRoleUsage(ROLE);
    if (running !== (usage.get(ROLE) ?? 0))
      throw new Error(`the role runs ${usage.get(ROLE) ?? 0}, and the store says ${running}`);
    return usage;
  }

  async #end(pick: number, how: Extract<Act, { do: "end" }>["how"]): Promise<void> {
    if (this.held.length === 0) return;
    const [{ grant, worker }] = this.held.splice(pick % this.held.length, 1) as [
      { grant: Grant; worker: Driver },
    ];
    // What a lost worker says is judged by its fences.
    if (how === "succeed") await worker.succeed(grant);
    else if (how === "fail") await worker.fail(grant);
    else if (how === "retry") await worker.retry(grant, 500);
    else if (how === "release") await this.store.release(worker.session.id, [grant.lease]);
    else {
      await this.store.cancel(grant.lease.run);
      await worker.succeed(grant);
    }
  }

  async wait(ms: number): Promise<void> {
    this.clock.advance(ms);
    for (const { session } of this.workers) await this.store.renew(session.id);
    while ((await this.store.reapSessions({ sweepMs: SWEEP_MS, limit: 100 })).more);
    await this.store.promoteDue(500);
  }

  async #edit(limit: 0 | 1 | 2, most: number): Promise<void> {
    const { name, setting } = declared[limit] as DeclaredLimit;
    const isRate = "rate" in setting;
    const edit: LimitEdit = isRate
      ? { rate: (MOST.rate * most) / 4, perMs: 1_000, burst: Math.min(most, MOST.burst) }
      : { concurrency: most };
    await this.store.setLimit(name, edit);
    if (!isRate) this.caps.set(name, most);
    await this.store.promoteDue(500);
  }

  /** In no stretch of time more than the rate and its burst. */
  checkRates(): void {
    const paceMs = 1_000 / MOST.rate;
    for (const key of KEYS) {
      const times = this.starts.filter((start) => start.key === key).map(({ atMs }) => atMs);
      for (let from = 0; from < times.length; from++)
        for (let to = from; to < times.length; to++) {
          const lastedMs = (times[to] as number) - (times[from] as number);
          const most = MOST.burst + Math.floor(lastedMs / paceMs);
          const n = to - from + 1;
          if (n > most) throw new Error(`${n} starts of ${key} within ${lastedMs} ms; ${most} is the most`);
        }
    }
  }

  /** Lets all go on until nothing is left: nobody starves, and no slot is left behind. */
  async finish(): Promise<void> {
    for (let round = 0; round < 2_000; round++) {
      for (const worker of this.workers) await this.#take(worker, 8);
      while (this.held.length > 0) await this.#end(0, "succeed");
      if (!(await this.#goesOn())) break;
      // Longer than the sweeps that find crashed workers, from time to time.
      await this.wait(round % 20 === 19 ? SWEEP_MS : 100);
      if (round === 1_999) throw new Error("some runs never end");
    }
    for (const key of ["", ...KEYS])
      for (const limit of [RATE, SLOTS, SHARED]) {
        const { used, parked } = await this.store.readLimit(limit, key);
        if (used + parked > 0) throw new Error(`${limit} ${key} still has ${used} slots and ${parked} lines`);
      }
  }

  async #goesOn(): Promise<boolean> {
    for (const run of this.keys.keys()) {
      const state = (await this.store.getRun(run))?.state;
      if (state === "running") return true;
      this.keys.delete(run);
    }
    return false;
  }
}

/**
 * Limits under random schedules of submits, takings, reports, crashes, pauses and edits with four workers, two of them of a role that may
 * run so many steps at once: no rate is exceeded in any stretch of time, no more attempts at once than may be, no slot leaks, and nobody
 * starves, whether or not the keys take turns as tenants.
 */
export async function limitsTest(open: OpenStore, options: LimitsOptions = {}): Promise<void> {
  const schedules = fc.array(acts, { maxLength: 50, size: "+1" });
  const property = fc.asyncProperty(schedules, fc.boolean(), async (schedule, isFair) => {
    const clock = createFakeClock();
    const store = await open({ clock });
    try {
      const story = new Story(store, clock, isFair);
      for (let i = 0; i < WORKERS; i++) story.workers.push(await story.open(i));
      await story.cast(ROLE_CAP);
      for (const act of schedule) await story.perform(act);
      story.checkRates();
      const flaws = await checkAll(store);
      if (flaws.length > 0) throw new Error(`the store is not whole: ${JSON.stringify(flaws)}`);
      await story.finish();
      story.checkRates();
      const left = await checkAll(store);
      if (left.length > 0) throw new Error(`the store is not whole at the end: ${JSON.stringify(left)}`);
    } finally {
      await store.close();
    }
  });
  await fc.assert(property, storySettings({ runs: 20, ...options }));
}
