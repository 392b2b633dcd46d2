// biome-ignore-all lint/suspicious/noAssignInExpressions: each case is one change, as short as it can be
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  checkJson,
  checkPlan,
  dag,
  type Items,
  indexPlan,
  isItems,
  items,
  itemsOf,
  jsonSchemaText,
  orElse,
  type ReadValues,
  readFrom,
  resolveItems,
  resolveWiring,
  runScene,
  task,
  testContext,
  toMermaid,
} from "../src/index.js";

const double = task({ name: "double", input: z.object({ n: z.number() }), run: async ({ n }) => n * 2 });
const sum = task({
  name: "sum",
  input: z.object({ all: z.custom<Items<number>>(isItems), title: z.string().optional() }),
  async run({ all }) {
    let total = 0;
    for await (const each of all) total += each;
    return total;
  },
});
const lists = z.object({ list: z.array(z.number()) });
const sums = dag("sums", { input: lists }, ({ list }) => sum({ all: items(list.map((n) => double({ n }))) }));

/** Reads a map of so many instances, and notes the sizes of pages. */
function reading(count: number, textOf: (i: number) => string) {
  const pages: number[] = [];
  const read: ReadValues = async (keys) => {
    if (keys.some((key) => /\[\d/.test(key))) pages.push(keys.length);
    return Object.fromEntries(
      keys.map((key) => [
        key,
        key === "double[]" ? String(count) : textOf(Number(/\[(\d+)\]/.exec(key)?.[1])),
      ]),
    );
  };
  return { pages, read };
}

const wiringOf = (plan: typeof sums.plan) => {
  const step = plan.steps.find(({ name }) => name === "sum");
  return step?.kind === "task" ? step.input : { value: null, wires: [] };
};
const all = async <T>(list: AsyncIterable<T>) => {
  const found: T[] = [];
  for await (const each of list) found.push(each);
  return found;
};

describe("items()", () => {
  it("is data in the plan, which stays the same from build to build", () => {
    expect(wiringOf(sums.plan).wires).toEqual([
      {
        at: ["all"],
        source: {
          from: "items",
          path: [],
          args: [{ value: null, wires: [{ at: [], source: { from: "step", step: "double[]", path: [] } }] }],
        },
      },
    ]);
    const again = dag("sums", { input: lists }, ({ list }) =>
      sum({ all: items(list.map((n) => double({ n }))) }),
    );
    expect(again.version).toBe(sums.version);
    expect(checkPlan(JSON.parse(JSON.stringify(sums.plan)))).toEqual(sums.plan);
    expect(toMermaid(sums.plan)).toContain("-->");
  });

  it("is taken by tasks alone, and as a whole", () => {
    const refused = (build: (list: never) => unknown) => () =>
      dag("d", { input: lists }, (({ list }: { list: never }) => build(list)) as never);
    const inner = dag("inner", { input: lists }, ({ list }) => list);
    const message = /takes items\(\), but only the input of a task's call may/;
    expect(refused((list) => items(list))).toThrow(message);
    expect(refused((list) => [{ deep: items(list) }])).toThrow(message);
    expect(refused((list) => inner({ list: items(list) as never }))).toThrow(message);
    expect(refused((list) => orElse(items(list), 0 as never))).toThrow(message);
    expect(refused((list) => sum({ all: items(items(list) as never) }))).toThrow(message);
    expect(refused((list) => double({ n: 1 }, { when: items(list) as never }))).toThrow(message);
    expect(refused((list) => (items(list) as never as (typeof list)[]).map((n) => double({ n })))).toThrow(
      message,
    );
    expect(refused((list) => double({ n: (items(list) as never as { length: number }).length }))).toThrow(
      /takes items\(\), but no part of it can be taken/,
    );
    expect(() => items([] as never)).toThrow("items() works on refs");
  });

  it.each([
    ["the plan's output", (plan: Loose) => (plan.output = plan.steps.at(-1).input)],
    [
      "another items()",
      (plan: Loose) =>
        (plan.steps.at(-1).input.wires[0].source.args[0] = structuredClone(plan.steps.at(-1).input)),
    ],
    ["a condition", (plan: Loose) => (plan.steps.at(-1).when = plan.steps.at(-1).input.wires[0].source)],
    ["a path", (plan: Loose) => plan.steps.at(-1).input.wires[0].source.path.push("length")],
    [
      "two lists",
      (plan: Loose) => plan.steps.at(-1).input.wires[0].source.args.push({ value: 1, wires: [] }),
    ],
  ])("is refused in a plan from outside: %s", (_, harm) => {
    const plan = JSON.parse(JSON.stringify(sums.plan)) as Loose;
    harm(plan);
    expect(() => checkPlan(plan)).toThrow(expect.objectContaining({ code: "plan-invalid" }));
  });

  it("reads pages that begin small and grow to 500, each time that it is gone through", async () => {
    const { pages, read } = reading(1_200, (i) => String(2 * i));
    const scene = runScene(indexPlan(sums.plan), read);
    const { all: list } = (await resolveWiring(scene, wiringOf(sums.plan))) as { all: Items<number> };
    expect(isItems(list)).toBe(true);
    expect([list.length, pages]).toEqual([1_200, []]);
    for (let round = 0; round < 2; round++) {
      expect(await all(list)).toEqual(Array.from({ length: 1_200 }, (_, i) => 2 * i));
      expect(pages.splice(0)).toEqual([32, 128, 500, 500, 40]);
    }
    expect(await all(readFrom(list, 1_198))).toEqual([2_396, 2_398]);
    expect(pages).toEqual([2]);
    for await (const each of list) if (each === 4) break;
    expect(pages).toEqual([2, 32]);
  });

  it("reads few large values at a time", async () => {
    const text = JSON.stringify("x".repeat(500_000));
    const { pages, read } = reading(200, (i) => (i < 100 ? "1" : text));
    const { output } = dag("d", { input: lists }, ({ list }) => list.map((n) => double({ n }))).plan;
    const scene = runScene(indexPlan(sums.plan), read);
    expect(await all((await resolveItems(scene, output)) as Items<unknown>)).toHaveLength(200);
    expect(Math.max(...pages.slice(3))).toBe(2);
    await expect(async () => resolveWiring(scene, output)).rejects.toMatchObject({
      code: "value-too-large",
      message: expect.stringContaining(
        'the results of "double[]", 200 in all, make a list of more than 16 MiB',
      ),
    });
    expect(await resolveWiring({ ...scene, maxChars: 100e6 }, output)).toHaveLength(200);
  });

  it("is made of any list, and is missing where that is", async () => {
    const scene = runScene(indexPlan(sums.plan), async (keys) =>
      Object.fromEntries(keys.map((key) => [key, null])),
    );
    expect(await all((await resolveItems(scene, { value: [1, 2], wires: [] })) as Items<unknown>)).toEqual([
      1, 2,
    ]);
    const step = { from: "step", step: "double[]", path: [] } as const;
    expect(await resolveItems(scene, { value: null, wires: [{ at: [], source: step }] })).toBeUndefined();
    const args = [
      { value: null, wires: [{ at: [], source: step }] },
      { value: [7], wires: [] },
    ];
    const or = { value: null, wires: [{ at: [], source: { from: "or", args, path: [] } as const }] };
    expect(await all((await resolveItems(scene, or)) as Items<unknown>)).toEqual([7]);
    await expect(resolveItems(scene, { value: 5, wires: [] })).rejects.toMatchObject({
      code: "input-invalid",
    });
  });

  it("is no JSON, and its task has no JSON Schema", async () => {
    expect(() => checkJson({ all: itemsOf([1]) }, "output")).toThrow(
      expect.objectContaining({ code: "not-json" }),
    );
    expect(jsonSchemaText(sum.input, "input")).toBeUndefined();
    expect(isItems([1])).toBe(false);
    expect(await sum.run({ all: itemsOf([1, 2, 3]) }, testContext())).toBe(6);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: the tests break plans in ways that types forbid
type Loose = any;
