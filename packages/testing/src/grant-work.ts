import {
  createChooser,
  type Follow,
  type Grant,
  indexPlan,
  type LimitUse,
  type Located,
  locate,
  PAGE_LIMIT,
  type Plan,
  type PlanIndex,
  type ReadValues,
  type Report,
  RUN_ADDRESS,
  RUN_INPUT,
  resolveEdited,
  resolveSource,
  resolveWiring,
  type Scene,
  type Store,
} from "@jobbers/core";
import { allEntries, entryPage, followPage } from "./paging.js";

/** What a worker makes of a grant, with nothing but core's pure functions: the other half of the store's semantics. */
export interface GrantWork {
  planOf(grant: Grant): Promise<PlanIndex>;
  /** The step's input, put together from the values that came along or are read. */
  inputOf(grant: Grant): Promise<unknown>;
  /** The first page of what follows. */
  followOf(grant: Grant): Promise<Follow>;
  /** Does control work; the answer is to be reported, in order: nothing where `expand` has said it all. */
  control(grant: Grant, session: string): Promise<Report[]>;
  /** One page of a map's expansion; the cursor where to go on, `undefined` when it is over or no longer ours. */
  expandPage(grant: Grant, session: string, from: number): Promise<number | undefined>;
  /** The list that a map is over. */
  listOf(grant: Grant): Promise<unknown[]>;
}

/** What the code of a task says of an input: the limits that depend on it. */
export type SayLimits = (task: string, input: unknown) => readonly LimitUse[];

/** Makes a worker's understanding of grants. `pageLimit` cuts pages smaller than the port's 500. */
export function createGrantWork(store: Store, pageLimit = PAGE_LIMIT, limitsOf?: SayLimits): GrantWork {
  const plans = new Map<string, Promise<PlanIndex>>();

  const planOf = (grant: Grant): Promise<PlanIndex> => {
    const known = plans.get(grant.plan);
    if (known) return known;
    const fetched = fetchPlan(store, grant.plan);
    plans.set(grant.plan, fetched);
    return fetched;
  };
  const at = async (grant: Grant): Promise<{ index: PlanIndex; located: Located; scene: Scene }> => {
    const index = await planOf(grant);
    const located = { ...locate(index, grant.lease.address), laid: grant.laid };
    return { index, located, scene: { index, indices: located.indices, read: readerOf(store, grant) } };
  };
  const followFrom = async (grant: Grant, cursor: number) => {
    const { index, located } = await at(grant);
    return followPage(index, located, cursor, pageLimit);
  };
  const listOf = async (grant: Grant) => {
    const { located, scene } = await at(grant);
    if (located.step.kind !== "map") throw new TypeError(`${grant.lease.address} is no map`);
    return (await resolveSource(scene, located.step.over)) as unknown[];
  };

  const expandPage = async (grant: Grant, session: string, from: number): Promise<number | undefined> => {
    const { index, located } = await at(grant);
    const { step, indices } = located;
    const list = await listOf(grant);
    const perPage = Math.max(1, Math.floor(pageLimit / Math.max(1, index.entries(step.name).length)));
    const { run, address: map } = grant.lease;
    const spread = step.kind === "map" && step.spread && createChooser(step.spread, undefined, { run, map });
    const items = list.slice(from, from + perPage).map((value, i) => {
      const queue = spread ? spread.choose(value, from + i, new Map()) : undefined;
      const entries = allEntries(index, step, [...indices, from + i], queue ?? located.laid);
      return { value: JSON.stringify(value), entries, queue };
    });
    const membersEach = index.members(step.name).length;
    const reply = await store.expand({
      session,
      lease: grant.lease,
      count: list.length,
      membersEach,
      from,
      items,
    });
    return reply.status === "accepted" && reply.cursor < list.length ? reply.cursor : undefined;
  };

  const admit = async (grant: Grant): Promise<Report[]> => {
    const { located, scene } = await at(grant);
    const { lease } = grant;
    const { when } = located.step;
    if (when === undefined || (await resolveSource(scene, when)) === true) {
      const limits = limitsOf?.(
        grant.needs,
        located.step.kind === "task" ? await resolveWiring(scene, located.step.input) : null,
      );
      return [{ type: "admitted", lease, ...(limits && { limits }) }];
    }
    return [{ type: "skipped", lease, follow: await followFrom(grant, 0) }];
  };

  const expand = async (grant: Grant, session: string): Promise<Report[]> => {
    if ((await listOf(grant)).length === 0) {
      return [{ type: "succeeded", lease: grant.lease, output: "0", follow: await followFrom(grant, 0) }];
    }
    let cursor: number | undefined = grant.cursor;
    while (cursor !== undefined) cursor = await expandPage(grant, session, cursor);
    return [];
  };

  /**
   * All pages of a body's entry steps: the lease lasts until the last. At the run's own address it is what the submission's first
   * page could not hold.
   */
  const enter = async (grant: Grant): Promise<Report[]> => {
    const index = await planOf(grant);
    const isRun = grant.lease.address === RUN_ADDRESS;
    const { step, indices } = isRun ? { step: undefined, indices: [] } : locate(index, grant.lease.address);
    const read = readerOf(store, grant);
    const input =
      step?.kind === "dag"
        ? await resolveWiring({ index, indices, read }, step.input)
        : grant.needs === ""
          ? null
          : JSON.parse((await read([RUN_INPUT]))[RUN_INPUT] ?? "null");
    const body = {
      input: JSON.stringify(input ?? null),
      members: index.members(step?.name).length,
      onFailure: index.onFailure(step?.name) !== undefined,
    };
    const reports: Report[] = [];
    for (let cursor: number | undefined = grant.cursor; cursor !== undefined; ) {
      const entries = entryPage(index, step, indices, cursor, pageLimit, grant.laid);
      reports.push({ type: "entered", lease: grant.lease, ...body, entries });
      cursor = entries.next;
    }
    return reports;
  };

  const advance = async (grant: Grant): Promise<Report[]> => [
    { type: "advanced", lease: grant.lease, follow: await followFrom(grant, grant.cursor) },
  ];

  return {
    planOf,
    inputOf: async (grant) => {
      const { located, scene } = await at(grant);
      if (grant.edited) return resolveEdited(scene, grant.lease.address);
      return located.step.kind === "map" ? undefined : resolveWiring(scene, located.step.input);
    },
    followOf: (grant) => followFrom(grant, 0),
    listOf,
    expandPage,
    async control(grant, session) {
      switch (grant.phase) {
        case "admit":
          return admit(grant);
        case "expand":
          return expand(grant, session);
        case "enter":
          return enter(grant);
        case "advance":
          return advance(grant);
        case "run":
          throw new TypeError(`${grant.lease.address} is to be run, which is no control work`);
      }
    },
  };
}

async function fetchPlan(store: Store, hash: string): Promise<PlanIndex> {
  const text = await store.getPlan(hash);
  if (text === undefined) throw new Error(`the store does not have plan ${hash}`);
  return indexPlan(JSON.parse(text) as Plan);
}

/** Reads from what came with the grant, and the rest from the store. */
function readerOf(store: Store, grant: Grant): ReadValues {
  return async (keys) => {
    const missing = keys.filter((key) => !(key in grant.values));
    const read = missing.length === 0 ? {} : await store.readValues(grant.lease.run, missing);
    return { ...grant.values, ...read };
  };
}
