import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  type AnyDag,
  canonicalJson,
  checkPlan,
  dag,
  eq,
  followOf,
  hash,
  indexPlan,
  type JsonValue,
  locate,
  type MapStep,
  not,
  orElse,
  type Plan,
  planVersion,
  type TaskStep,
  task,
} from "../src/index.js";
import { defineProgram, programs } from "./random-dag.js";

const add = task({
  name: "add",
  input: z.object({ a: z.number(), b: z.number() }),
  run: async ({ a, b }) => a + b,
});
const list = task({ name: "list", run: async () => [1, 2, 3] });
const read = task({
  name: "read",
  input: z.object({ n: z.number() }),
  run: async ({ n }) => ({ n, tags: ["a"] }),
});
const fold = task({ name: "fold", input: z.object({ of: z.unknown() }), run: async () => 1 });

const step = (of: { plan: Plan }, name: string) => {
  const found = of.plan.steps.find((each) => each.name === name);
  if (!found) throw new Error(`no ${name} among ${names(of)}`);
  return found;
};
const names = (of: { plan: Plan }) => of.plan.steps.map((each) => each.name);
const graph = (of: { plan: Plan }) =>
  Object.fromEntries(of.plan.steps.map((each) => [each.name, [each.in ?? "", ...each.parents].join(" ")]));

describe("steps and their parents", () => {
  test("a diamond", () => {
    const diamond = dag("diamond", { input: z.object({ n: z.number() }) }, ({ n }) => {
      const top = add({ a: n, b: 1 });
      const left = add({ a: top, b: 2 }, { name: "left" });
      const right = add({ a: top, b: top }, { name: "right" });
      return add({ a: left, b: right });
    });
    expect(graph(diamond)).toEqual({ add: "", left: " add", right: " add", "add~2": " left right" });
    expect((step(diamond, "right") as TaskStep).input).toEqual({
      value: { a: null, b: null },
      wires: [
        { at: ["a"], source: { from: "step", step: "add", path: [] } },
        { at: ["b"], source: { from: "step", step: "add", path: [] } },
      ],
    });
    expect((step(diamond, "add") as TaskStep).input).toEqual({
      value: { a: null, b: 1 },
      wires: [{ at: ["a"], source: { from: "input", path: ["n"] } }],
    });
  });

  test("parents stand once each, in order of appearance: input, when, after", () => {
    const ordered = dag("ordered", {}, () => {
      const [a, b, c, d] = [list(), list(), list(), list()];
      fold({ of: { x: b, y: [b, a] } }, { when: eq(d, a), after: [c, b] });
    });
    expect(step(ordered, "fold").parents).toEqual(["list~2", "list", "list~4", "list~3"]);
  });

  test("a map owns its body, and refs from outside are lifted to it", () => {
    const mapped = dag("mapped", {}, () => {
      const base = read({ n: 1 });
      const numbers = list();
      const sums = numbers.map((n, index) => {
        const first = read({ n });
        return (
          add({ a: first.n, b: base.n }, { when: eq(index, 0), trigger: "all_success", name: "sum" }) && first
        );
      });
      return fold({ of: sums });
    });
    expect(graph(mapped)).toEqual({
      read: "",
      list: "",
      "read~2[]": " list read",
      "read~2": "read~2[]",
      sum: "read~2[] read~2",
      fold: " read~2[]",
    });
    expect((step(mapped, "read~2[]") as MapStep).over).toEqual({ from: "step", step: "list", path: [] });
    expect(step(mapped, "sum").when).toEqual({
      from: "eq",
      path: [],
      args: [
        { value: null, wires: [{ at: [], source: { from: "index", of: "read~2[]", path: [] } }] },
        { value: 0, wires: [] },
      ],
    });
  });

  test("maps in maps: a ref goes to the owner that is its sibling, an outer element needs none", () => {
    const nested = dag("nested", {}, () => {
      const base = read({ n: 1 });
      return list().map((n) => {
        const here = read({ n });
        return here.tags.map((tag) => fold({ of: [base.n, here.n, n, tag] }));
      });
    });
    expect(graph(nested)).toEqual({
      read: "",
      list: "",
      "fold[][]": " list read",
      "read~2": "fold[][]",
      "fold[]": "fold[][] read~2",
      fold: "fold[]",
    });
    expect((step(nested, "fold") as TaskStep).input.wires.map(({ source }) => source)).toEqual([
      { from: "step", step: "read", path: ["n"] },
      { from: "step", step: "read~2", path: ["n"] },
      { from: "item", of: "fold[][]", path: [] },
      { from: "item", of: "fold[]", path: [] },
    ]);
  });

  test("what a body returns from outside is waited for by its map", () => {
    const rewired = dag("rewired", {}, () => {
      const base = read({ n: 1 });
      return list().map((n) => ({ n, base }));
    });
    expect(graph(rewired)).toEqual({ read: "", list: "", "map[]": " list read" });
  });

  test("a map over a path, over the input, over an operation", () => {
    const over = dag("over", { input: z.object({ urls: z.array(z.string()).optional() }) }, ({ urls }) => {
      const pages = read({ n: 1 }).tags.map((of) => fold({ of }));
      const inputs = orElse(urls, []).map((of) => fold({ of }));
      return { pages, inputs };
    });
    expect((step(over, "fold[]") as MapStep).over).toEqual({ from: "step", step: "read", path: ["tags"] });
    expect((step(over, "fold~2[]") as MapStep).over.from).toBe("or");
  });
});

describe("a dag inside a dag", () => {
  const site = dag("site", { input: z.object({ n: z.number() }), failure: "continue" }, ({ n }) => {
    const first = read({ n });
    return first.tags.map((tag, index) => fold({ of: [tag, index, n] }));
  });
  const outer = dag("outer", {}, () => {
    const a = site({ n: 1 });
    return list().map((n) => site({ n }, { after: a }));
  });

  test("is inlined under its name, each time it is called", () => {
    expect(graph(outer)).toEqual({
      site: "",
      "site/read": "site",
      "site/fold[]": "site site/read",
      "site/fold": "site/fold[]",
      list: "",
      "site~2[]": " list site",
      "site~2": "site~2[]",
      "site~2/read": "site~2",
      "site~2/fold[]": "site~2 site~2/read",
      "site~2/fold": "site~2/fold[]",
    });
  });

  test("has its own input, and its output is seen from inside", () => {
    expect(step(outer, "site~2")).toMatchObject({
      kind: "dag",
      dag: "site",
      parses: true,
      failure: "continue",
      input: {
        value: { n: null },
        wires: [{ at: ["n"], source: { from: "item", of: "site~2[]", path: [] } }],
      },
      output: { value: null, wires: [{ at: [], source: { from: "step", step: "site~2/fold[]", path: [] } }] },
    });
    expect((step(outer, "site~2/fold") as TaskStep).input.wires.map(({ source }) => source)).toEqual([
      { from: "item", of: "site~2/fold[]", path: [] },
      { from: "index", of: "site~2/fold[]", path: [] },
      { from: "input", of: "site~2", path: ["n"] },
    ]);
  });

  test("without a schema parses nothing, and its conditions are about its own input", () => {
    const inner = dag("inner", {}, (input) => {
      const first = list({}, { when: eq(input as never, {}) });
      read({ n: 1 }, { when: not(eq(first.length, 0)) });
    });
    const whole = dag("whole", {}, () => inner());
    expect(step(whole, "inner")).toMatchObject({ parses: false, input: { value: {}, wires: [] } });
    const sourceOf = (name: string) => JSON.stringify(step(whole, name).when);
    expect(sourceOf("inner/list")).toContain('{"from":"input","path":[],"of":"inner"}');
    expect(sourceOf("inner/read")).toContain('{"from":"step","step":"inner/list","path":["length"]}');
  });

  test("brings its tasks, its dags and its spreads along", () => {
    const spread = hash((n: number) => String(n), ["a", "b"]);
    const inner = dag("inner", {}, () => list().map((n) => read({ n }), { spread }));
    const middle = dag("middle", {}, () => inner());
    const whole = dag("whole", {}, () => ({ x: middle(), y: outer() }));
    expect([...whole.tasks.keys()].sort()).toEqual(["fold", "list", "read"]);
    expect(whole.tasks.get("read")).toBe(read);
    expect([...whole.dags.keys()].sort()).toEqual(["inner", "middle", "outer", "site"]);
    expect([...whole.spreads]).toEqual([["middle/inner/read[]", spread]]);
  });
});

describe("onFailure", () => {
  const guarded = dag(
    "guarded",
    {
      input: z.object({ n: z.number() }),
      onFailure: (failure, { n }) => void fold({ of: [failure.step, n] }),
    },
    ({ n }) => fold({ of: n }),
  );

  test("makes a body of its own, with names of its own", () => {
    expect(graph(guarded)).toEqual({ fold: "", "~onFailure": "", "~onFailure/fold": "~onFailure" });
    expect(step(guarded, "~onFailure")).toMatchObject({ kind: "dag", trigger: "all_done", parses: false });
    expect((step(guarded, "~onFailure/fold") as TaskStep).input.wires.map(({ source }) => source)).toEqual([
      { from: "failure", path: ["step"] },
      { from: "input", path: ["n"] },
    ]);
  });

  test("is inlined with its dag", () => {
    const outer = dag("outer", {}, () => guarded({ n: 1 }));
    expect(graph(outer)).toEqual({
      guarded: "",
      "guarded/fold": "guarded",
      "guarded/~onFailure": "guarded",
      "guarded/~onFailure/fold": "guarded/~onFailure",
    });
    expect(
      (step(outer, "guarded/~onFailure/fold") as TaskStep).input.wires.map(({ source }) => source),
    ).toEqual([
      { from: "failure", of: "guarded", path: ["step"] },
      { from: "input", of: "guarded", path: ["n"] },
    ]);
  });

  test("may hold maps and more than one step", () => {
    const several = dag("several", { onFailure: () => list().map((n) => read({ n })) }, () => list());
    expect(graph(several)).toEqual({
      list: "",
      "~onFailure": "",
      "~onFailure/list": "~onFailure",
      "~onFailure/read[]": "~onFailure ~onFailure/list",
      "~onFailure/read": "~onFailure/read[]",
    });
  });
});

describe("the plan", () => {
  test("says whether an only child is handed straight on only where its call does, and the spec goes by it", () => {
    const work = task({ name: "work", run: async () => 1 });
    const chain = (inline?: "auto" | "always" | "never") =>
      dag("inlining", {}, () => void work({}, { after: work(), ...(inline && { inline }) }));
    expect(step(chain(), "work~2")).not.toHaveProperty("inline");
    expect(step(chain(), "work")).not.toHaveProperty("inline");
    for (const how of ["auto", "always", "never"] as const) {
      const { plan } = chain(how);
      expect(step(chain(how), "work~2")).toMatchObject({ inline: how });
      const index = indexPlan(plan);
      const { items } = followOf(index, locate(index, "work")).successors;
      expect(items.map(({ address, inline }) => [address, inline])).toEqual([["work~2", how !== "never"]]);
    }
  });

  test("holds the effective policy in milliseconds: call before task before defaults", () => {
    const strict = task({
      name: "strict",
      queue: "slow",
      retry: { attempts: 5, backoff: "fixed", delay: "2s", max: "1m", jitter: false },
      timeout: "30s",
      startWithin: "1m",
      heartbeat: "10s",
      priority: 4,
      run: async () => 1,
    });
    const policies = dag("policies", {}, () => {
      strict();
      strict({}, { queue: "fast", retry: { attempts: 1 }, timeout: 500, startWithin: "2s", priority: 0 });
      list();
      list({}, { timeout: "1m" });
    });
    const retry = { attempts: 5, backoff: "fixed", delayMs: 2000, maxMs: 60_000, jitter: false };
    expect(step(policies, "strict")).toMatchObject({
      queue: "slow",
      retry,
      timeoutMs: 30_000,
      startWithinMs: 60_000,
      heartbeatMs: 10_000,
      priority: 4,
    });
    expect(step(policies, "strict~2")).toMatchObject({
      queue: "fast",
      timeoutMs: 500,
      startWithinMs: 2_000,
      heartbeatMs: 10_000,
      priority: 0,
    });
    expect((step(policies, "strict~2") as TaskStep).retry.attempts).toBe(1);
    expect(Object.keys(step(policies, "list")).sort()).toEqual([
      "input",
      "kind",
      "name",
      "parents",
      "queue",
      "retry",
      "task",
      "trigger",
    ]);
    expect(step(policies, "list")).toMatchObject({ queue: "default" });
    expect(step(policies, "list~2")).toMatchObject({ timeoutMs: 60_000 });
    expect(step(policies, "list~2")).not.toHaveProperty("heartbeatMs");
  });

  test("of a task alone is one step between the run's input and its output", () => {
    expect(read.plan).toEqual({
      format: 1,
      kind: "task",
      name: "read",
      failure: "stop",
      steps: [
        {
          kind: "task",
          name: "read",
          task: "read",
          parents: [],
          trigger: "all_success",
          queue: "default",
          retry: { attempts: 3, backoff: "exponential", delayMs: 1000, maxMs: 300_000, jitter: true },
          input: { value: null, wires: [{ at: [], source: { from: "input", path: [] } }] },
        },
      ],
      output: { value: null, wires: [{ at: [], source: { from: "step", step: "read", path: [] } }] },
    });
    expect(read.version).toMatch(/^[0-9a-f]{32}$/);
    expect(checkPlan(JSON.parse(JSON.stringify(read.plan)))).toEqual(read.plan);
  });

  test("keeps the version that this code has always had", () => {
    // A changed constant means that every running dag gets a new version: change it only on purpose.
    const fixed = dag(
      "fixed",
      { input: z.object({ n: z.number() }) },
      ({ n }) => list({}, { when: eq(n, 1) }) && read({ n }),
    );
    expect(fixed.version).toBe("6e2c595f592143167abb9d424b1dae88");
  });

  test("has a version that says nothing about the order in which keys were written", () => {
    const a = dag("order", {}, () => fold({ of: { x: 1, y: { p: 2, q: 3 } } }));
    const b = dag("order", {}, () => fold({ of: { y: { q: 3, p: 2 }, x: 1 } }));
    const c = dag("order", {}, () => fold({ of: { y: { q: 3, p: 2 }, x: 2 } }));
    expect(a.version).toBe(b.version);
    expect(a.version).not.toBe(c.version);
  });

  test("random dags: JSON carries it unchanged, it passes its check, and its version is stable", () => {
    fc.assert(
      fc.property(programs, fc.integer(), (program, seed) => {
        const { plan, version } = defineProgram(program);
        const text = JSON.stringify(plan);
        expect(JSON.parse(text)).toEqual(plan);
        expect(checkPlan(JSON.parse(text))).toEqual(plan);
        expect(defineProgram(program).version).toBe(version);
        const shuffled = shuffleKeys(JSON.parse(text) as JsonValue, seed);
        expect(planVersion(shuffled as unknown as Plan)).toBe(version);
        expect(canonicalJson(JSON.parse(text) as JsonValue)).toBe(
          canonicalJson(plan as unknown as JsonValue),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("random dags: every parent is a sibling that stands before", () => {
    fc.assert(
      fc.property(programs, (program) => {
        const { plan } = defineProgram(program);
        const before = new Map<string, string | undefined>();
        for (const each of plan.steps) {
          if (each.in !== undefined) expect(before.has(each.in)).toBe(true);
          for (const parent of each.parents) {
            expect(before.has(parent)).toBe(true);
            expect(before.get(parent)).toBe(each.in);
          }
          expect(before.has(each.name)).toBe(false);
          before.set(each.name, each.in);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function shuffleKeys(value: JsonValue, seed: number): JsonValue {
  if (Array.isArray(value)) return value.map((item: JsonValue) => shuffleKeys(item, seed));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(
    ([key, item]) => [key, shuffleKeys(item as JsonValue, seed)] as const,
  );
  const rank = (key: string) => (key.charCodeAt(0) * 31 + key.length * 17) ^ seed;
  return Object.fromEntries(entries.sort(([a], [b]) => rank(a) - rank(b)));
}

describe("large definitions", () => {
  const link = task({ name: "link", input: z.object({ n: z.number() }), run: async ({ n }) => n });
  const chain = (length: number): AnyDag =>
    dag(`chain`, {}, () => {
      let last = link({ n: 0 });
      for (let i = 1; i < length; i++) last = link({ n: last });
      return last;
    });

  test("a chain of 9,000 steps is defined, hashed and checked without trouble", () => {
    const long = chain(9000);
    expect(long.plan.steps).toHaveLength(9000);
    expect(long.plan.steps.at(-1)?.parents).toEqual(["link~8999"]);
    expect(long.version).toMatch(/^[0-9a-f]{32}$/);
    expect(checkPlan(JSON.parse(JSON.stringify(long.plan))).steps).toHaveLength(9000);
  });

  test("10,000 steps are the most", () => {
    expect(chain(10_000).plan.steps).toHaveLength(10_000);
    expect(() => chain(10_001)).toThrow(
      /dag "chain": step "link~10001" is one too many: a plan has at most 10000 steps/,
    );
  });

  test("inlined dags count with all their steps", () => {
    const big = chain(3000);
    const call = big as unknown as () => unknown;
    expect(() => dag("sum", {}, () => void [call(), call(), call(), call()])).toThrow(
      /"chain~4" is one too many/,
    );
  });
});
