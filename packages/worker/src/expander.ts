import {
  type Expansion,
  type ExpansionItem,
  entriesOf,
  followOf,
  type Grant,
  JobbersError,
  type Lease,
  type MapStep,
  type PlanIndex,
  type Report,
  type Resolved,
  resolveSource,
  type StepSpec,
  type Store,
  valueKey,
} from "@jobbers/core";
import type { Found } from "./finder.js";
import { type Asker, isDefinite, untilAnswered } from "./persistence.js";
import { failed } from "./reporter.js";
import type { Choose, Spreader } from "./spreader.js";
import type { Values } from "./values.js";
import { turn } from "./waiting.js";

/** The most steps that one run may have. */
export const MAX_RUN_STEPS = 1_000_000;

/**
 * The most instances, and about the most entry steps, that one call of `expand` carries. The port takes 500, but a store that does
 * one thing at a time is busy with each for some 20 µs, and others wait: 500 held a Redis for 9 ms, and cost 20 % less in all.
 */
const PAGE_STEPS = 64;

/** The most that one call of `expand` carries, in characters of values and of specs. */
const MAX_PAGE_CHARS = 1024 * 1024;

export interface ExpanderOptions extends Asker {
  readonly store: Pick<Store, "expand">;
  readonly values: Pick<Values, "keep">;
  readonly spreader: Spreader;
  /** The session that holds the lease. */
  readonly session: () => string;
  /** Aborts when the worker stops: what is left of a list is then for others. */
  readonly stopping: AbortSignal;
}

/**
 * Lays out maps, page by page: `expand` is idempotent by its cursor, so a page may be sent twice, and whoever gets the step next
 * goes on where the last one stopped.
 */
export class Expander {
  constructor(private readonly options: ExpanderOptions) {}

  /** Answers the report that ends the work, or `undefined` when the last page has ended it. */
  async expand(grant: Grant, found: Found, step: MapStep): Promise<Report | undefined> {
    const { lease } = grant;
    const list = await resolveSource(found, step.over);
    const fault = faultOf(list, step, found.index);
    if (fault) return failed(lease, found, fault, "invalid-input");
    const items = list as readonly Resolved[];
    const membersEach = found.index.members(step.name).length;
    // An empty list has no instance that could end the map later; "0" is its own value.
    if (items.length === 0) return { ...succeeded(found, grant), output: "0" };
    const spread = this.options.spreader.begin(grant, found, step);
    for (let from = grant.cursor; from < items.length; ) {
      if (this.options.stopping.aborted) return { type: "released", lease };
      let page: ExpansionItem[];
      try {
        page = await this.#pageOf(items, from, found, step, lease, await spread());
      } catch (error) {
        if (!(error instanceof JobbersError && error.code === "spread-failed")) throw error;
        return failed(lease, found, error, "error");
      }
      const next = await this.#send({ lease, count: items.length, membersEach, from, items: page }, found);
      if (typeof next !== "number") return next === "stale" ? undefined : next;
      from = next;
      await turn();
    }
    return undefined;
  }

  /** The next instances: at most 125, with at most 125 entry steps and 1 MiB, but always one. */
  async #pageOf(
    list: readonly Resolved[],
    from: number,
    found: Found,
    step: MapStep,
    { run, address }: Lease,
    choose: Choose,
  ): Promise<ExpansionItem[]> {
    const page: ExpansionItem[] = [];
    let steps = 0;
    let chars = 0;
    for (let at = from; at < list.length && page.length < PAGE_STEPS; at++) {
      const text = JSON.stringify(list[at]) ?? "null";
      const queue = choose(list[at], at);
      const kept = this.options.values.keep(run, valueKey.item(address, at), text);
      const value = kept instanceof Promise ? await kept : kept;
      const entries = entrySteps(found, step, at, queue ?? found.located.laid);
      steps += entries.length;
      chars += value.length + entries.reduce((sum, spec) => sum + charsOf(spec), 0);
      if (page.length > 0 && (steps > PAGE_STEPS || chars > MAX_PAGE_CHARS)) break;
      page.push(queue === undefined ? { value, entries } : { value, entries, queue });
    }
    return page;
  }

  async #send(page: Omit<Expansion, "session">, found: Found): Promise<number | "stale" | Report> {
    const { store, session } = this.options;
    try {
      const reply = await untilAnswered(
        "expand",
        () => store.expand({ ...page, session: session() }),
        this.options,
      );
      return reply.status === "accepted" ? reply.cursor : "stale";
    } catch (error) {
      if (!isDefinite(error)) throw error;
      if (error.code === "session-lost") return "stale";
      return failed(page.lease, found, error, "error");
    }
  }
}

function succeeded({ index, located }: Found, { lease }: Grant) {
  return { type: "succeeded", lease, follow: followOf(index, located) } as const;
}

function faultOf(list: Resolved, step: MapStep, index: PlanIndex): JobbersError | undefined {
  const what = `map "${step.name}"`;
  if (!Array.isArray(list)) {
    const got = list === undefined ? "missing" : list === null ? "null" : `of type ${typeof list}`;
    return new JobbersError("input-invalid", `${what} needs a list, but what it is over is ${got}`);
  }
  const steps = list.length * index.members(step.name).length;
  if (steps <= MAX_RUN_STEPS) return undefined;
  const most = `a run has at most ${MAX_RUN_STEPS}`;
  return new JobbersError(
    "value-too-large",
    `${what} over ${list.length} elements would make ${steps} steps; ${most}`,
  );
}

function entrySteps(
  { index, located }: Found,
  step: MapStep,
  at: number,
  laid: string | undefined,
): StepSpec[] {
  const all: StepSpec[] = [];
  for (let cursor: number | undefined = 0; cursor !== undefined; ) {
    const page: { items: readonly StepSpec[]; next?: number | undefined } = entriesOf(
      index,
      step,
      [...located.indices, at],
      cursor,
      laid,
    );
    all.push(...page.items);
    cursor = page.next;
  }
  return all;
}

/** Roughly what a spec weighs on the way: its texts, and a little for each field. */
function charsOf({ address, name, owner, queue, reads }: StepSpec): number {
  return (
    200 +
    address.length +
    name.length +
    owner.length +
    queue.length +
    reads.reduce((sum, key) => sum + key.length, 0)
  );
}
