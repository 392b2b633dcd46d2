import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  dag,
  indexPlan,
  type JsonValue,
  type Ref,
  resolveWiring,
  runScene,
  type TaskStep,
  task,
} from "../src/index.js";

const take = task({ name: "take", input: z.unknown(), run: async () => 1 });

/** Wires a value that is built from the dag's input. */
function wired(build: (input: Ref<Record<string, JsonValue>>) => unknown) {
  const { plan } = dag(
    "d",
    { input: z.record(z.string(), z.json()) },
    (input) => void take(build(input as never)),
  );
  return { plan, wiring: (plan.steps[0] as TaskStep).input };
}

async function resolved(build: Parameters<typeof wired>[0], input: Record<string, JsonValue>) {
  const { plan, wiring } = wired(build);
  const read = async (keys: readonly string[]) =>
    Object.fromEntries(keys.map((key) => [key, JSON.stringify(input)]));
  return resolveWiring(runScene(indexPlan(plan), read), wiring);
}

/** A value in which some parts are holes: keys of the input, to be filled by refs. */
type Holed =
  | { readonly hole: string }
  | { readonly list: readonly Holed[] }
  | { readonly object: Record<string, Holed> }
  | JsonValue;
const key = fc.oneof(
  fc.constantFrom("a", "b", "c", "length", "map", "then", "0", "constructor"),
  fc.string(),
);
const fine = (name: string) => name !== "__proto__" && isWellFormed(name);
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
const keys = key.filter(fine);
const { holed } = fc.letrec<{ holed: unknown }>((tie) => ({
  holed: fc.oneof(
    { maxDepth: 4, depthIdentifier: "holed" },
    fc.record({ hole: fc.constantFrom("a", "b", "c") }),
    fc.constantFrom<JsonValue[]>(0, 1, "x", "", true, null, 2 ** 53),
    fc.record({ list: fc.array(tie("holed"), { maxLength: 4, depthIdentifier: "holed" }) }),
    fc.record({
      object: fc.dictionary(keys, tie("holed"), {
        maxKeys: 4,
        depthIdentifier: "holed",
        noNullPrototype: true,
      }),
    }),
  ),
}));

function fill(value: Holed, hole: (name: string) => unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("hole" in value) return hole(value.hole as string);
  if ("list" in value) return (value.list as readonly Holed[]).map((item) => fill(item, hole));
  return Object.fromEntries(
    Object.entries((value as { object: Record<string, Holed> }).object).map(([k, v]) => [k, fill(v, hole)]),
  );
}

describe("literals with holes", () => {
  test("resolve to what was written, with every ref's value in its place", async () => {
    const values = fc.dictionary(fc.constantFrom("a", "b", "c"), fc.jsonValue({ maxDepth: 2 }), {
      noNullPrototype: true,
    });
    await fc.assert(
      fc.asyncProperty(holed as fc.Arbitrary<Holed>, values, async (value, given) => {
        const input = JSON.parse(JSON.stringify({ a: 1, b: ["x"], c: { d: null }, ...given })) as Record<
          string,
          JsonValue
        >;
        const answer = await resolved((ref) => fill(value, (name) => ref.at(name)), input);
        expect(answer).toEqual(fill(value, (name) => input[name]));
      }),
      { numRuns: 500 },
    );
  });

  test("are copies: changing the value later changes nothing", () => {
    const list = [1, 2];
    const { wiring } = wired(() => {
      const value = { list };
      queueMicrotask(() => list.push(3));
      return value;
    });
    list.push(4);
    expect(wiring).toEqual({ value: { list: [1, 2] }, wires: [] });
  });

  test("leave out properties that are undefined", () => {
    expect(wired(() => ({ a: undefined, b: 1 })).wiring.value).toEqual({ b: 1 });
    expect(Object.keys(wired(() => ({ a: undefined, b: 1 })).wiring.value as object)).toEqual(["b"]);
  });

  test("may be one ref, nothing, or a literal as a whole", () => {
    expect(wired((input) => input).wiring).toEqual({
      value: null,
      wires: [{ at: [], source: { from: "input", path: [] } }],
    });
    expect(wired(() => undefined).wiring).toEqual({ value: {}, wires: [] });
    expect(wired(() => null).wiring).toEqual({ value: null, wires: [] });
    expect(wired(() => "x").wiring).toEqual({ value: "x", wires: [] });
  });

  const cyclic: unknown[] = [];
  cyclic.push({ cyclic });
  const deep = JSON.parse("[".repeat(5000) + "]".repeat(5000)) as unknown;
  let wide: unknown = [1];
  for (let i = 0; i < 30; i++) wide = [wide, wide];
  const refused: [string, () => unknown, RegExp][] = [
    [
      "undefined in a list",
      () => ({ a: [1, undefined] }),
      /dag "d": step "take": input\.a\[1\] is undefined/,
    ],
    // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested
    ["a hole in a list", () => [1, , 2], /input\[1\] is undefined/],
    ["NaN", () => ({ a: { b: NaN } }), /input\.a\.b is NaN/],
    ["a BigInt", () => [1n], /input\[0\]/],
    ["a function", () => ({ f: () => 1 }), /input\.f/],
    ["a task", () => ({ f: take }), /input\.f/],
    ["a Date", () => ({ at: new Date(0) }), /input\.at/],
    ["a Map", () => ({ at: new Map() }), /input\.at/],
    ["a __proto__ key", () => JSON.parse('{"a":{"__proto__":{"x":1}}}'), /input\.a\.__proto__|__proto__/],
    ["a cycle", () => cyclic, /input\[0\]\.cyclic\[0\] is nested more than 40 deep, or contains itself/],
    ["5,000 levels", () => deep, /is nested more than 40 deep/],
    ["shared parts that unfold", () => wide, /has more than 100000 parts/],
  ];
  test.each(refused)("refuse %s, naming step and path", (_name, build, message) => {
    expect(() => wired(build)).toThrow(message);
    expect(() => wired(build)).toThrow(/^dag "d": step "take": input/);
  });

  test("nothing gets a prototype from a key", () => {
    expect(() => wired(() => JSON.parse('{"__proto__":{"polluted":1}}'))).toThrow();
    expect({}).not.toHaveProperty("polluted");
  });
});
