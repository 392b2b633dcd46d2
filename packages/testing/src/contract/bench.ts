import type { Grant, JsonValue, Plan, RunState, StepState, Store } from "@jobbers/core";
import { expect, test } from "vitest";
import { checkAll } from "../check-all.js";
import { type Driver, type DriverOptions, openDriver } from "../driver.js";
import { needsOf, queuesOf, type SubmissionParts, submissionOf } from "../factories.js";
import { createFakeClock, type FakeClock } from "../fake-clock.js";
import { type Faults, faultyStore, patientStore } from "../faulty-store.js";

/** What the contract asks of a store that it opens. */
export interface StoreSettings {
  readonly clock: FakeClock;
  /** About how many events the feed has to keep; the store's default where it is left out. */
  readonly eventsKept?: number | undefined;
}

/** Opens a fresh, empty store whose time is the clock's, and whose sessions expire. */
export type OpenStore = (settings: StoreSettings) => Promise<Store>;

/** What an adapter may say about itself, and how the contract is to be run. */
export interface ContractOptions {
  /** Opens the same data once more, while `first` is open or after it was closed; left out for stores that keep nothing. */
  readonly reopen?: ((first: Store, settings: StoreSettings) => Promise<Store>) | undefined;
  /** True for stores that may have replicas, though none has any here: they wait for one a short while. */
  readonly mayReplicate?: boolean | undefined;
  /** Runs everything behind a bad line. */
  readonly faults?: Faults | undefined;
}

/** What a contract test works with. */
export interface Bench {
  readonly store: Store;
  readonly clock: FakeClock;
  /** True when calls are repeated: then a reply may be that of the second execution. */
  readonly faulty: boolean;
  readonly pageLimit: number;
  /** The time between two sweeps. */
  readonly sweepMs: number;
  /** Submits a run and answers its id. */
  submit(plan: Plan, input?: JsonValue, parts?: SubmissionParts): Promise<string>;
  /** A driver that serves all tasks and queues of a plan. */
  driver(plan: Plan | readonly Plan[], options?: DriverOptions): Promise<Driver>;
  /** Lets a session expire and be swept away, while those in `alive` are renewed. */
  expire(session: string, alive?: readonly string[]): Promise<void>;
  /** One sweep after `sweepMs`. */
  sweep(): Promise<void>;
  runState(run: string): Promise<RunState | undefined>;
  stepState(run: string, address: string): Promise<StepState | undefined>;
  /** The states of some steps, by address. */
  stepStates(run: string, ...addresses: string[]): Promise<Record<string, StepState | undefined>>;
  value(run: string, key: string): Promise<JsonValue | undefined>;
  /**
   * A success is accepted that comes without a living session, hence outside of any lane: where the call is repeated, the second
   * answer is that it has settled already.
   */
  succeedLate(worker: Driver, grant: Grant, output?: JsonValue): Promise<void>;
  /** Another store on the same data, where there can be one. */
  readonly reopen: (() => Promise<Store>) | undefined;
}

/** Registers a test that gets a bench of its own. */
export type BenchTest = (name: string, body: (bench: Bench) => Promise<void>, needs?: TestNeeds) => void;

interface TestNeeds {
  readonly timeoutMs?: number;
  readonly eventsKept?: number;
}

const SWEEP_MS = 5_000;

/** Makes `test` for one adapter: each test opens a store and closes it. */
export function benchTest(open: OpenStore, options: ContractOptions): BenchTest {
  return (name, body, { timeoutMs = 20_000, eventsKept } = {}) =>
    test(name, { timeout: timeoutMs }, async () => {
      const clock = createFakeClock();
      const first = await open({ clock, eventsKept });
      let closings = 0;
      const isClosed = () => closings > 0;
      const close = first.close.bind(first);
      first.close = () => {
        closings++;
        return close();
      };
      const opened = [first];
      const reopen = async () => {
        const store = await (options.reopen as NonNullable<typeof options.reopen>)(first, { clock });
        opened.push(store);
        return store;
      };
      try {
        await body(createBench(first, clock, options.faults, options.reopen && reopen));
        // Whatever a test was about: it leaves a store behind that breaks none of its own rules.
        if (!isClosed()) expect(await checkAll(first)).toEqual([]);
      } finally {
        for (const store of opened) await store.close();
      }
    });
}

function createBench(
  bare: Store,
  clock: FakeClock,
  faults: Faults | undefined,
  reopen: Bench["reopen"],
): Bench {
  const store = faults ? patientStore(faultyStore(bare, faults)) : bare;
  const pageLimit = faults?.chunk ?? 500;
  const sweep = async () => {
    clock.advance(SWEEP_MS);
    while ((await store.reapSessions({ sweepMs: SWEEP_MS, limit: 500 })).more);
  };
  const stepState: Bench["stepState"] = async (run, address) => (await store.getStep(run, address))?.state;
  return {
    store,
    clock,
    faulty: faults !== undefined,
    pageLimit,
    sweepMs: SWEEP_MS,
    async submit(plan, input, parts) {
      const submission = submissionOf(plan, input, { pageLimit, ...parts });
      const [result] = await store.submit([submission]);
      expect(["created", "existing"]).toContain(result?.status);
      return submission.id;
    },
    driver(plan, driverOptions) {
      const plans = Array.isArray(plan) ? (plan as readonly Plan[]) : [plan as Plan];
      const serves = plans.flatMap(needsOf);
      const queues = [...new Set(["default", ...plans.flatMap(queuesOf)])];
      return openDriver(store, { serves, queues, pageLimit, ...driverOptions });
    },
    async expire(session, alive = []) {
      for (let i = 0; i < 10; i++) {
        await sweep();
        for (const id of alive) await store.renew(id);
        if (!(await store.listWorkers()).some((worker) => worker.session === session)) return;
      }
      throw new Error(`session ${session} does not expire`);
    },
    sweep,
    runState: async (run) => (await store.getRun(run))?.state,
    stepState,
    async stepStates(run, ...addresses) {
      return Object.fromEntries(
        await Promise.all(addresses.map(async (each) => [each, await stepState(run, each)])),
      );
    },
    async value(run, key) {
      const text = (await store.readValues(run, [key]))[key];
      return text === null || text === undefined ? undefined : (JSON.parse(text) as JsonValue);
    },
    async succeedLate(worker, grant, output) {
      expect(faults ? ["accepted", "stale"] : ["accepted"]).toContain(await worker.succeed(grant, output));
    },
    reopen,
  };
}
