import { FAIR, type Grant, type Store } from "@jobbers/core";
import fc from "fast-check";
import { checkAll } from "../check-all.js";
import type { OpenStore } from "../contract/bench.js";
import { type Driver, openDriver } from "../driver.js";
import { newRunId, submissionOf } from "../factories.js";
import { createFakeClock, type FakeClock } from "../fake-clock.js";
import { fromInput, planOf, taskStep, wire } from "../plans.js";

/** How much the test does. */
export interface FairnessOptions {
  /** How many schedules are tried; default 10. */
  readonly runs?: number | undefined;
  readonly seed?: number | undefined;
  readonly path?: string | undefined;
}

/** What a schedule is made of. */
type Act =
  | { readonly do: "submit"; readonly key: number; readonly n: number; readonly task: number }
  | { readonly do: "take"; readonly worker: number; readonly slots: number; readonly times: number }
  | { readonly do: "release"; readonly n: number }
  | { readonly do: "crash"; readonly worker: number }
  | { readonly do: "weigh"; readonly key: number; readonly weight: number };

/** "" is nobody's: all steps without a tenant. */
const KEYS = ["acme", "beta", "gamma", ""];
const TASKS = ["a", "b"];
const WORKERS = 3;
const SWEEP_MS = 5_000;

/**
 * How far two that wait all the time may be apart, in steps of theirs: one is what the law of turns allows where one step is taken at a
 * time, and some more is what an exchange gives out at once.
 */
const APART = 5;

const plans = TASKS.map((task) => planOf(`fair-${task}`, [taskStep(task, { input: wire(fromInput()) })]));

const acts = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("submit" as const),
      key: fc.nat(KEYS.length - 1),
      n: fc.integer({ min: 1, max: 30 }),
      task: fc.nat(TASKS.length - 1),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("take" as const),
      worker: fc.nat(WORKERS - 1),
      slots: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 12 })),
      times: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("release" as const), n: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), worker: fc.nat(WORKERS - 1) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("weigh" as const),
      key: fc.nat(KEYS.length - 2),
      weight: fc.integer({ min: 1, max: 6 }),
    }),
  },
);

/** One tenant, as the story knows it. */
interface Tenant {
  readonly key: string;
  weight: number;
  /** How many of its steps wait at the least. */
  waiting: number;
  /** What it has had since the stretch began, each step over the weight of then. */
  had: number;
}

/** One schedule, as it goes on. */
class Story {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly tenants: readonly Tenant[] = KEYS.map((key) => ({ key, weight: 1, waiting: 0, had: 0 }));
  readonly #of = new Map<string, Tenant>();
  readonly #lost = new Set<string>();
  #held: { readonly grant: Grant; readonly worker: Driver }[] = [];
  workers: Driver[] = [];

  constructor(store: Store, clock: FakeClock) {
    this.store = store;
    this.clock = clock;
  }

  open(): Promise<Driver> {
    const limits = TASKS.map((task) => ({ task, limits: [], fairIn: "all" as const }));
    return openDriver(this.store, { serves: TASKS, leaseMs: 10_000, limits });
  }

  async perform(act: Act): Promise<void> {
    switch (act.do) {
      case "submit":
        return this.#submit(act);
      case "take":
        for (let i = 0; i < act.times; i++) await this.take(this.workers[act.worker] as Driver, act.slots);
        return;
      case "release":
        return this.#release(act.n);
      case "crash":
        return this.#crash(act.worker);
      case "weigh": {
        const tenant = this.tenants[act.key] as Tenant;
        await this.store.setQueue("default", { weights: { [tenant.key]: act.weight } }, "story");
        tenant.weight = act.weight;
        return this.#begin();
      }
    }
  }

  async #submit({ key, n, task }: Extract<Act, { do: "submit" }>): Promise<void> {
    const tenant = this.tenants[key] as Tenant;
    const limits = tenant.key === "" ? [] : [{ limit: FAIR, key: tenant.key, cost: 1 }];
    const batch = Array.from({ length: n }, () =>
      submissionOf(plans[task] as (typeof plans)[number], tenant.key, { id: newRunId(), limits }),
    );
    for (const { id } of batch) this.#of.set(id, tenant);
    await this.store.submit(batch);
    if (tenant.waiting === 0) this.#begin();
    tenant.waiting += n;
  }

  /** Takes steps, and compares what those have had who wait all the time. */
  async take(worker: Driver, slots: number): Promise<number> {
    const before = this.tenants.filter(({ waiting }) => waiting > 0);
    const grants = await worker.take(slots);
    for (const grant of grants) {
      this.#held.push({ grant, worker });
      const tenant = this.#of.get(grant.lease.run) as Tenant;
      tenant.had += 1 / tenant.weight;
      // What a lost worker had is not among those that are known to wait.
      if (!this.#lost.delete(grant.lease.run)) tenant.waiting--;
    }
    const wait = before.filter(({ waiting }) => waiting > 0);
    if (wait.length < before.length) this.#begin();
    else this.#compare(wait);
    if (wait.length > 0 && grants.length < slots)
      throw new Error(`${grants.length} of ${slots} were taken of many`);
    return grants.length;
  }

  /** A stretch begins, in which the same tenants wait all the time. */
  #begin(): void {
    for (const tenant of this.tenants) tenant.had = 0;
  }

  #compare(wait: readonly Tenant[]): void {
    for (const one of wait)
      for (const other of wait) {
        const most = APART * (1 / one.weight + 1 / other.weight);
        if (one.had - other.had <= most) continue;
        const said = [one, other].map(
          ({ key, had, weight }) => `"${key}" had ${had * weight} at weight ${weight}`,
        );
        throw new Error(said.join(", "));
      }
  }

  async #release(n: number): Promise<void> {
    for (const { grant, worker } of this.#held.splice(0, n)) {
      await this.store.release(worker.session.id, [grant.lease]);
      // The store may have given it to another since.
      const tenant = this.#of.get(grant.lease.run) as Tenant;
      if ((await this.store.getStep(grant.lease.run, grant.lease.address))?.state !== "ready") continue;
      if (tenant.waiting === 0) this.#begin();
      tenant.waiting++;
    }
  }

  async #crash(at: number): Promise<void> {
    const gone = this.workers[at] as Driver;
    this.workers[at] = await this.open();
    for (const { grant, worker } of this.#held) if (worker === gone) this.#lost.add(grant.lease.run);
    this.#held = this.#held.filter(({ worker }) => worker !== gone);
    for (let sweep = 0; sweep < 4; sweep++) {
      this.clock.advance(SWEEP_MS);
      for (const { session } of this.workers) await this.store.renew(session.id);
      while ((await this.store.reapSessions({ sweepMs: SWEEP_MS, limit: 100 })).more);
    }
    // What it had waits again, and may make others of those who had nothing left.
    this.#begin();
  }

  /** Takes all that is left: nobody starves. */
  async finish(): Promise<void> {
    for (let idle = 0; idle < 2; )
      idle = (await this.take(this.workers[0] as Driver, 50)) === 0 ? idle + 1 : 0;
    const left = this.tenants.filter(({ waiting }) => waiting > 0);
    if (left.length > 0) throw new Error(`${left.map(({ key }) => `"${key}"`).join(", ")} would starve`);
  }
}

/**
 * Tenants under random schedules of submits, takings, crashes and edits of weights, with three workers: those who wait all the time have
 * their parts, and nobody starves.
 */
export async function fairnessTest(open: OpenStore, options: FairnessOptions = {}): Promise<void> {
  const { runs = 10, seed, path } = options;
  const property = fc.asyncProperty(
    fc.array(acts, { minLength: 10, maxLength: 40, size: "+1" }),
    async (schedule) => {
      const clock = createFakeClock();
      const store = await open({ clock });
      try {
        const story = new Story(store, clock);
        for (let i = 0; i < WORKERS; i++) story.workers.push(await story.open());
        for (const act of schedule) await story.perform(act);
        await story.finish();
        const left = await checkAll(store);
        if (left.length > 0) throw new Error(`the store is not whole at the end: ${JSON.stringify(left)}`);
      } finally {
        await store.close();
      }
    },
  );
  await fc.assert(property, {
    numRuns: runs,
    ...(seed !== undefined && { seed }),
    ...(path !== undefined && { path }),
  });
}
