import type {
  DurationSummary,
  RoleUsage,
  StepAddress,
  StepCounts,
  StepRecord,
  StepState,
  Store,
  Whereabouts,
  WorkerRecord,
} from "@jobbers/core";

/** What explaining asks of a store. */
export type ExplainStore = Pick<
  Store,
  | (
      | "getRun"
      | "getStep"
      | "listSteps"
      | "countSteps"
      | "listWorkers"
      | "listRoles"
      | "readRoleUsage"
      | "readValues"
      | "whereIs"
    )
  | ("getPlan" | "readDurations")
>;

/** Some steps of one plan name. */
export interface Some {
  readonly name: string;
  /** How their addresses begin. */
  readonly prefix: string;
  /** Behind which address is looked first, because what is wanted is likely there. */
  readonly near?: StepAddress | undefined;
  readonly states: readonly StepState[];
  readonly limit: number;
}

/** What one explanation reads of one run: each thing once, and no more than there is room for. */
export interface Look {
  /** How many steps of each plan name are in each state. */
  counts(): Promise<ReadonlyMap<string, StepCounts["counts"]>>;
  /** The workers whose lease has not expired. */
  workers(): Promise<readonly WorkerRecord[]>;
  /** The names of the roles that have a queue. */
  rolesWith(queue: string): Promise<readonly string[]>;
  /** What the workers of a role run, where they may run so many steps only. */
  roleUsage(role: string): Promise<RoleUsage | undefined>;
  step(address: StepAddress): Promise<StepRecord | undefined>;
  where(address: StepAddress): Promise<Whereabouts>;
  some(wanted: Some): Promise<StepRecord[]>;
  /** The first step that waits for an instant. */
  waiting(): Promise<StepRecord | undefined>;
  /** How long successful attempts of a task took lately. */
  durations(task: string): Promise<DurationSummary | undefined>;
  value(key: string): Promise<string | null>;
  /** True when so much was read that whoever has told something already should leave out the rest. */
  readonly isSpent: boolean;
}

/** After so many calls of the store nothing new is begun; what has begun may take a few more. */
const MAX_READS = 200;

/** Makes the look of one explanation. */
export function createLook(store: ExplainStore, run: string): Look {
  let reads = 0;
  const once = <K, V>(read: (key: K) => Promise<V>) => {
    const known = new Map<K, Promise<V>>();
    return (key: K): Promise<V> => {
      const before = known.get(key);
      if (before) return before;
      reads++;
      const made = read(key);
      known.set(key, made);
      return made;
    };
  };
  const counts = once(async (_: "all") => {
    const all = await store.countSteps(run);
    return new Map(all.map(({ name, counts }) => [name, counts]));
  });
  const where = once((address: StepAddress) => store.whereIs(run, address));
  const workers = once(async (_: "all") => {
    const [{ nowMs }, all] = [await where(""), await store.listWorkers()];
    return all.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
  });
  const roles = once((_: "all") => store.listRoles());
  const usage = once((role: string) => store.readRoleUsage(role));
  const list = async ({ name, prefix, states, limit }: Some, after: StepAddress) => {
    reads++;
    const { steps } = await store.listSteps(run, { after, limit: LISTED, states });
    return steps.filter((step) => step.name === name && step.address.startsWith(prefix)).slice(0, limit);
  };
  const values = once(async (key: string) => (await store.readValues(run, [key]))[key] ?? null);
  return {
    counts: () => counts("all"),
    workers: () => workers("all"),
    rolesWith: async (queue) =>
      (await roles("all")).filter(({ queues }) => Object.hasOwn(queues, queue)).map(({ name }) => name),
    roleUsage: async (role) => {
      const isCapped = (await roles("all")).some((each) => each.name === role && each.concurrency);
      return isCapped ? usage(role) : undefined;
    },
    step: once((address: StepAddress) => store.getStep(run, address)),
    where,
    async some(wanted) {
      const near = wanted.near === undefined ? [] : await list(wanted, wanted.near);
      return near.length > 0 ? near : list(wanted, wanted.prefix);
    },
    waiting: async () => (await store.listSteps(run, { limit: 1, states: ["waiting"] })).steps[0],
    durations: once(async (task: string) => (await store.readDurations([task]))[task]),
    value: values,
    get isSpent() {
      return reads >= MAX_READS;
    },
  };
}

/** How many records one list has at most: others may stand between those that are wanted. */
const LISTED = 50;
