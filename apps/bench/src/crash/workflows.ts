import { type AnyWorkflow, dag, orElse, type TaskContext, task } from "jobbers";
import { z } from "zod";
import { perform, type Said } from "./performing.js";
import { CHILDREN, itemsOf, mix, sum } from "./values.js";

/** What every run is given: all of its values follow from `n`; each handler takes about `ms`. */
export interface Load {
  readonly n: number;
  readonly ms: number;
}

const load = z.object({ n: z.number(), ms: z.number() });
const said = z.object({ v: z.number(), by: z.string() });
const after = z.object({ from: said, ms: z.number() });

const begin = task({
  name: "begin",
  input: load,
  run: ({ n, ms }, ctx: TaskContext) => perform(ctx, ms, [], () => mix(n)),
});

const step = task({
  name: "step",
  input: after,
  run: ({ from, ms }, ctx: TaskContext) => perform(ctx, ms, [from], () => mix(from.v)),
});

const join = task({
  name: "join",
  input: z.object({ left: said, right: said, ms: z.number() }),
  run: ({ left, right, ms }, ctx: TaskContext) =>
    perform(ctx, ms, [left, right], () => mix(2 * left.v + right.v)),
});

const list = task({
  name: "list",
  input: load,
  async run({ n, ms }, ctx: TaskContext) {
    return { ...(await perform(ctx, ms, [], () => mix(n))), items: itemsOf(n) };
  },
});

const child = task({
  name: "child",
  input: z.object({ item: z.number(), from: said, ms: z.number() }),
  run: ({ item, from, ms }, ctx: TaskContext) => perform(ctx, ms / 4, [from], () => mix(item)),
});

const total = task({
  name: "total",
  input: z.object({ parts: z.array(said).length(CHILDREN), ms: z.number() }),
  run: ({ parts, ms }, ctx: TaskContext) => perform(ctx, ms, parts, () => sum(parts.map(({ v }) => v))),
});

const risky = task({
  name: "risky",
  input: load,
  retry: { attempts: 1 },
  run: ({ n, ms }, ctx: TaskContext) => perform(ctx, ms, [], () => (n % 2 === 0 ? mix(n) : refuse("risky"))),
});

const rescue = task({
  name: "rescue",
  input: load,
  retry: { attempts: 1 },
  run: ({ n, ms }, ctx: TaskContext) =>
    perform(ctx, ms, [], () => (n % 3 === 0 ? refuse("rescue") : mix(n + 1))),
});

/** Fails `n % 5` times; with three tries in all, that is sometimes too often. */
const stubborn = task({
  name: "stubborn",
  input: load,
  retry: { attempts: 3, backoff: "fixed", delay: 60, jitter: false },
  run: ({ n, ms }, ctx: TaskContext) =>
    perform(ctx, ms, [], () => (ctx.tries <= n % 5 ? refuse("stubborn") : mix(n))),
});

const chain = dag("chain", { input: load }, ({ n, ms }) => {
  let last: ReturnType<typeof step> = begin({ n, ms });
  for (let i = 1; i < 5; i++) last = step({ from: last, ms }, { name: `step-${i}` });
  return last;
});

const diamond = dag("diamond", { input: load }, ({ n, ms }) => {
  const from = begin({ n, ms });
  const left = step({ from, ms }, { name: "left" });
  const right = step({ from, ms }, { name: "right" });
  return join({ left, right, ms });
});

const map = dag("map", { input: load }, ({ n, ms }) => {
  const from = list({ n, ms });
  return total({ parts: from.items.map((item) => child({ item, from, ms })), ms });
});

const careful = dag("careful", { input: load }, ({ n, ms }) => {
  const tried = risky({ n, ms });
  const caught = rescue({ n, ms }, { trigger: "one_failed", after: tried, name: "catch" });
  const tidied = begin({ n, ms }, { trigger: "all_done", after: tried, name: "finally" });
  return { tried: orElse(tried, null), caught: orElse(caught, null), tidied };
});

/** Everything that is submitted, by name. */
export const workflows = { begin, chain, diamond, map, careful, stubborn } as const;

export type WorkflowName = keyof typeof workflows;
export const workflowNames = Object.keys(workflows) as WorkflowName[];
export const allWorkflows: readonly AnyWorkflow[] = Object.values(workflows);

/** What the last steps of a run said: the part of its output that is compared. */
export function saidIn(output: unknown): readonly Said[] {
  const parts = said.safeParse(output).success ? [output] : Object.values((output ?? {}) as object);
  return parts.filter((part): part is Said => said.safeParse(part).success);
}

function refuse(what: string): never {
  throw new Error(`${what} fails, as it is meant to`);
}
