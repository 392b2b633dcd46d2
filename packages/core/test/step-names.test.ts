// biome-ignore-all lint/complexity/noCommaOperator: bodies call steps that they do not return
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AnyDag, addressOf, dag, indexPlan, type Plan, parseAddress, task } from "../src/index.js";
import { defineProgram, programs, taskNames } from "./random-dag.js";

const add = task({ name: "add", run: async () => [1] });
const fetch = task({ name: "fetch", run: async () => [1] });
const map = task({ name: "map", run: async () => [1] });
const names = (of: { plan: Plan }) => of.plan.steps.map((step) => step.name);
const define = (build: () => void) => () => dag("d", {}, build);

describe("calls", () => {
  test("are named after the task, from the second one on with a number", () => {
    expect(names(define(() => void [add(), fetch(), add(), add(), fetch()])())).toEqual([
      "add",
      "fetch",
      "add~2",
      "add~3",
      "fetch~2",
    ]);
  });

  test("count over the whole dag, bodies included", () => {
    const counted = define(() => {
      const list = add();
      list.map(() => add());
      add();
    })();
    expect(names(counted)).toEqual(["add", "add~2[]", "add~2", "add~3"]);
  });

  test("take a given name as it is, and it does not count", () => {
    expect(
      names(
        define(() => void [add({}, { name: "first" }), add(), add({}, { name: "third.x-y_z" }), add()])(),
      ),
    ).toEqual(["first", "add", "third.x-y_z", "add~2"]);
  });

  test("of tasks and dags with the same name share their count", () => {
    const inner = dag("add", {}, () => fetch());
    expect(names(define(() => void [add(), inner(), add()])())).toEqual([
      "add",
      "add~2",
      "add~2/fetch",
      "add~3",
    ]);
  });
});

describe("maps", () => {
  const inMap = (body: (list: ReturnType<typeof add>) => unknown) =>
    names(define(() => void add().map(() => body(fetch()) as never))()).slice(1);

  test("are named after the step that their body returns", () => {
    expect(inMap((first) => (add({}, { after: first }), first))).toEqual(["fetch[]", "fetch", "add~2"]);
    expect(inMap((first) => (add(), first.at(0)))).toEqual(["fetch[]", "fetch", "add~2"]);
  });

  test("else after the last step of the body", () => {
    expect(inMap((first) => (add(), { first }))).toEqual(["add~2[]", "fetch", "add~2"]);
    expect(inMap(() => void add())).toEqual(["add~2[]", "fetch", "add~2"]);
    expect(inMap((first) => first.map(() => 1) && 7)).toEqual(["map[][]", "fetch", "map[]"]);
  });

  test("without steps are named map[], map~2[]; also beside a task of that name", () => {
    const empty = define(() => {
      const list = add();
      list.map(() => 1);
      map();
      list.map((item) => item);
      list.map(() => map());
    });
    expect(names(empty())).toEqual(["add", "map[]", "map~2", "map~3[]", "map~4[]", "map~4"]);
  });

  test("inside maps and dags", () => {
    const site = dag("site", {}, () => add().map(() => fetch().map(() => add())));
    const outer = define(() => void add().map(() => site()))();
    expect(names(site)).toEqual(["add", "add~2[][]", "fetch", "add~2[]", "add~2"]);
    expect(names(outer)).toEqual([
      "add",
      "site[]",
      "site",
      "site/add",
      "site/add~2[][]",
      "site/fetch",
      "site/add~2[]",
      "site/add~2",
    ]);
    const index = indexPlan(outer.plan);
    expect(addressOf(index, index.step("site/add~2"), [4, 2, 5])).toBe("site[4]/add~2[2][5]");
    expect(addressOf(index, index.step("site/add~2[]"), [4, 2])).toBe("site[4]/add~2[2][]");
  });

  test("take a given name as it is", () => {
    expect(names(define(() => void add().map(() => fetch(), { name: "pages" }))())).toEqual([
      "add",
      "pages",
      "fetch",
    ]);
  });
});

describe("refused names", () => {
  const long = "x".repeat(10_000);

  test("duplicates, naming both", () => {
    expect(define(() => void [add({}, { name: "x" }), fetch({}, { name: "x" })])).toThrow(
      'dag "d": a call of task "add" and a call of task "fetch" are both named "x"',
    );
    expect(define(() => void [add(), fetch({}, { name: "add" })])).toThrow(
      /"add" and a call of task "fetch" are both named/,
    );
    expect(define(() => void [fetch({}, { name: "add" }), add()])).toThrow(/both named "add"/);
    expect(define(() => void add().map(() => fetch(), { name: "add" }))).toThrow(
      /the map over the output of step "add"/,
    );
  });

  test.each(["", "a b", "a/b", "a~2", "a[]", "ä", "~onFailure", "a\n", "x".repeat(129), 3, null])(
    "malformed: %j",
    (name) => {
      expect(define(() => void add({}, { name: name as string }))).toThrow(/step name .* is not 1 to 128/);
      expect(() => task({ name: name as string, run: async () => 1 })).toThrow(
        /task name .* is not 1 to 128/,
      );
      expect(() => dag(name as string, {}, () => 1)).toThrow(/dag name .* is not 1 to 128/);
    },
  );

  test("10 KB of name give a short message", () => {
    const messages = [
      () => task({ name: long, run: async () => 1 }),
      () => dag(long, {}, () => 1),
      define(() => void add({}, { name: long })),
      () => task({ name: "t", queue: long, run: async () => 1 }),
    ].map((call) => {
      try {
        return String(call());
      } catch (error) {
        return (error as Error).message;
      }
    });
    for (const message of messages) {
      expect(message).toContain("(10000 characters)");
      expect(message.length).toBeLessThan(300);
    }
  });
});

describe("random dags", () => {
  const local = new RegExp(
    `^(random(?:-\\d+)+|${taskNames.map((name) => name.replace(".", "\\.")).join("|")})(~[1-9]\\d*)?(\\[\\])*$`,
  );

  test("have unique names of the right form, with the prefix of their place", () => {
    fc.assert(
      fc.property(programs, (program) => {
        const { plan } = defineProgram(program) as AnyDag;
        const kinds = new Map(plan.steps.map((step) => [step.name, step.kind]));
        expect(kinds.size).toBe(plan.steps.length);
        for (const { name, kind, in: owner } of plan.steps) {
          const segments = name.split("/");
          for (const segment of segments) expect(segment).toMatch(local);
          expect(name.endsWith("[]")).toBe(kind === "map");
          const prefix =
            owner === undefined
              ? []
              : kinds.get(owner) === "dag"
                ? owner.split("/")
                : owner.split("/").slice(0, -1);
          expect(segments.slice(0, -1)).toEqual(prefix);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("have addresses that lead back to the step and its indices, and no two alike", () => {
    fc.assert(
      fc.property(programs, (program) => {
        const { plan } = defineProgram(program) as AnyDag;
        const index = indexPlan(plan);
        const seen = new Set<string>();
        for (const step of plan.steps) {
          const depth = index.maps(step).length;
          for (const first of depth === 0 ? [0] : [0, 11]) {
            const indices = Array.from({ length: depth }, (_, i) => first + i);
            const address = addressOf(index, step, indices);
            expect(parseAddress(address)).toEqual({ name: step.name, indices });
            expect(seen.has(address)).toBe(false);
            seen.add(address);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
