import { describe, expect, it } from "vitest";
import {
  indexPlan,
  type Plan,
  type PlanStep,
  type ReadValues,
  resolveSource,
  resolveWiring,
  runScene,
  type Source,
  walk,
} from "../src/index.js";

const retry = { attempts: 1, backoff: "fixed", delayMs: 0, maxMs: 0, jitter: false } as const;
const nothing = { value: null, wires: [] } as const;
const answer = (step: string) => ({
  value: null,
  wires: [{ at: [], source: { from: "step", step, path: [] } as const }],
});
const call = (name: string, more: Partial<PlanStep> = {}) =>
  ({
    kind: "task",
    name,
    task: name,
    parents: [],
    trigger: "all_success",
    queue: "default",
    retry,
    input: nothing,
    ...more,
  }) as PlanStep;
const map = (name: string, over: Source, output: string, more: Partial<PlanStep> = {}) =>
  ({
    kind: "map",
    name,
    parents: [],
    trigger: "all_success",
    over,
    output: answer(output),
    ...more,
  }) as PlanStep;

const plan: Plan = {
  format: 1,
  kind: "dag",
  name: "test",
  failure: "stop",
  steps: [
    call("list"),
    map("fetch[]", { from: "step", step: "list", path: [] }, "fetch"),
    call("fetch", { in: "fetch[]" }),
    map("add[][]", { from: "step", step: "list", path: [] }, "add[]"),
    map("add[]", { from: "item", of: "add[][]", path: [] }, "add", { in: "add[][]" }),
    call("add", { in: "add[]" }),
    {
      kind: "dag",
      name: "site",
      dag: "site",
      parents: [],
      trigger: "all_success",
      parses: false,
      failure: "stop",
      input: nothing,
      output: answer("site/page"),
    },
    call("site/page", { in: "site" }),
  ],
  output: nothing,
};

const index = indexPlan(plan);

/** Values as a store would keep them, and a count of how often they were read. */
function valuesOf(values: Record<string, unknown>) {
  const reads: string[][] = [];
  const read: ReadValues = async (keys) => {
    reads.push([...keys]);
    return Object.fromEntries(keys.map((key) => [key, key in values ? JSON.stringify(values[key]) : null]));
  };
  return { reads, scene: runScene(index, read) };
}

describe("resolving", () => {
  it("fills literals with holes, and leaves the literal itself alone", async () => {
    const { scene } = valuesOf({ list: [{ a: 1 }], ":input": { who: "x" } });
    const wiring = {
      value: { n: 1, who: null, list: [null, 2] },
      wires: [
        { at: ["who"], source: { from: "input", path: ["who"] } as const },
        { at: ["list", 0], source: { from: "step", step: "list", path: [0, "a"] } as const },
      ],
    };
    expect(await resolveWiring(scene, wiring)).toEqual({ n: 1, who: "x", list: [1, 2] });
    expect(wiring.value).toEqual({ n: 1, who: null, list: [null, 2] });
  });

  it("leaves out a property whose value is missing", async () => {
    const { scene } = valuesOf({});
    const wiring = {
      value: { a: null, b: 1 },
      wires: [{ at: ["a"], source: { from: "step", step: "list", path: ["x"] } as const }],
    };
    expect(await resolveWiring(scene, wiring)).toEqual({ b: 1 });
  });

  it("reads a map's length from its own value alone", async () => {
    const { scene, reads } = valuesOf({ "fetch[]": 100_000 });
    expect(await resolveSource(scene, { from: "step", step: "fetch[]", path: ["length"] })).toBe(100_000);
    expect(reads).toEqual([["fetch[]"]]);
  });

  it("reads a map's output in pages of at most 500 keys", async () => {
    const children = Object.fromEntries(Array.from({ length: 1201 }, (_, i) => [`fetch[${i}]`, i]));
    const { scene, reads } = valuesOf({ "fetch[]": 1201, ...children });
    expect(await resolveSource(scene, { from: "step", step: "fetch[]", path: [] })).toEqual(
      Array.from({ length: 1201 }, (_, i) => i),
    );
    expect(Math.max(...reads.map((keys) => keys.length))).toBeLessThanOrEqual(500);
    expect(reads.length).toBeLessThan(10);
  });

  it("reads one element of a map, from either end, and nothing else", async () => {
    const { scene, reads } = valuesOf({ "fetch[]": 3, "fetch[0]": "a", "fetch[2]": "c" });
    expect(await resolveSource(scene, { from: "step", step: "fetch[]", path: [-1] })).toBe("c");
    expect(await resolveSource(scene, { from: "step", step: "fetch[]", path: [3] })).toBeUndefined();
    expect(reads.flat()).not.toContain("fetch[0]");
  });

  it("puts maps in maps together", async () => {
    const { scene } = valuesOf({
      "add[][]": 2,
      "add[0][]": 2,
      "add[1][]": 0,
      "add[0][0]": 1,
      "add[0][1]": 2,
    });
    expect(await resolveSource(scene, { from: "step", step: "add[][]", path: [] })).toEqual([[1, 2], []]);
  });

  it("answers for an inlined dag what its return value is wired from, if it succeeded", async () => {
    const done = valuesOf({ site: 1, "site/page": { url: "u" } });
    expect(await resolveSource(done.scene, { from: "step", step: "site", path: ["url"] })).toBe("u");
    const failed = valuesOf({ "site/page": { url: "u" } });
    expect(await resolveSource(failed.scene, { from: "step", step: "site", path: [] })).toBeUndefined();
  });

  it("judges or, eq and not as data", async () => {
    const { scene } = valuesOf({ list: { a: [1, { b: 2 }] } });
    const missing = answer("fetch[]");
    const literal = (value: never) => ({ value, wires: [] });
    expect(
      await resolveSource(scene, { from: "or", args: [missing, literal({ x: 1 } as never)], path: ["x"] }),
    ).toBe(1);
    expect(
      await resolveSource(scene, {
        from: "eq",
        args: [answer("list"), literal({ a: [1, { b: 2 }] } as never)],
        path: [],
      }),
    ).toBe(true);
    expect(
      await resolveSource(scene, {
        from: "eq",
        args: [answer("list"), literal({ a: [1, { b: 3 }] } as never)],
        path: [],
      }),
    ).toBe(false);
    expect(await resolveSource(scene, { from: "not", args: [missing], path: [] })).toBe(true);
  });

  it("knows the index and the element of the instance it stands in", async () => {
    const { scene } = valuesOf({ "add[1][]:0": { k: "v" } });
    const inside = { ...scene, indices: [1, 0] };
    expect(await resolveSource(inside, { from: "index", of: "add[][]", path: [] })).toBe(1);
    expect(await resolveSource(inside, { from: "item", of: "add[]", path: ["k"] })).toBe("v");
  });
});

describe("walk", () => {
  it("goes through null like ?. and never up the prototype chain", () => {
    expect(walk({ a: null }, ["a", "b", "c"])).toBeUndefined();
    expect(walk({}, ["toString"])).toBeUndefined();
    expect(walk([1, 2, 3], [-1])).toBe(3);
    expect(walk([1, 2], ["length"])).toBe(2);
  });
});
