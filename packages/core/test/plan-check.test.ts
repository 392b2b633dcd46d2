// biome-ignore-all lint/suspicious/noAssignInExpressions: each case is one change, as short as it can be
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { checkPlan, dag, eq, JobbersError, orElse, type Plan, type PlanStep, task } from "../src/index.js";
import { findCycle } from "../src/plan/plan-cycle.js";
import { defineProgram, programs } from "./random-dag.js";

const list = task({ name: "list", run: async () => [1] });
const take = task({ name: "take", timeout: "1s", input: z.object({ it: z.unknown() }), run: async () => 1 });
const site = dag("site", { input: z.object({ n: z.number() }) }, ({ n }) =>
  list().map((it) => take({ it: [it, n] })),
);
const sample = dag("sample", { onFailure: (failure) => take({ it: failure.step }) }, () => {
  const first = list();
  const second = take({ it: first }, { when: eq(first.length, 1) });
  const sites = first.map((n) => site({ n }), { after: second, trigger: "none_failed" });
  return { sites, second: orElse(second, 0) };
});

// biome-ignore lint/suspicious/noExplicitAny: the tests break plans in ways that types forbid
type Loose = any;
/** The sample as parsed JSON, with one thing changed. `of` finds a step by name. */
function broken(change: (plan: Loose, of: (name: string) => Loose) => void): unknown {
  const plan = JSON.parse(JSON.stringify(sample.plan)) as Loose;
  change(plan, (name) => plan.steps.find((step: Loose) => step.name === name));
  return plan;
}

test("a plan that dag() built passes, and comes back as it is", () => {
  expect(checkPlan(broken(() => {}))).toEqual(sample.plan);
  expect(() => checkPlan(broken((plan) => plan.steps.reverse()))).not.toThrow();
  expect(() => checkPlan(broken((_, of) => (of("take").retry.delaysMs = [0, 1])))).not.toThrow();
  expect(sample.plan.steps.map(({ name }) => name)).toEqual([
    ...[
      "list",
      "take",
      "site[]",
      "site",
      "site/list",
      "site/take[]",
      "site/take",
      "~onFailure",
      "~onFailure/take",
    ],
  ]);
});

describe("a plan is refused", () => {
  const source = { from: "step", step: "list", path: [] };
  const wiring = (from: object) => ({ value: null, wires: [{ at: [], source: from }] });
  const cases: [string, (plan: Loose, of: (name: string) => Loose) => void, RegExp][] = [
    ["of another format", (p) => (p.format = 2), /has format 2; this version of Jobbers reads format 1/],
    ["of an unknown kind", (p) => (p.kind = "flow"), /the plan's kind is "flow"/],
    ["without a name", (p) => delete p.name, /the plan's name is undefined/],
    ["with an unknown failure mode", (p) => (p.failure = "x"), /the plan's failure is "x"/],
    ["without steps", (p) => (p.steps = {}), /the plan's steps is an object instead of a list/],
    ["without an output", (p) => delete p.output, /the plan's output is undefined/],
    ["with a step that is none", (p) => (p.steps[2] = "x"), /step 2 is "x" instead of an object/],
    ["with a malformed name", (_p, of) => (of("take").name = "a b"), /the name of step 1 is "a b"/],
    [
      "with a name of 10 KB",
      (_p, of) => (of("take").name = "x".repeat(10_000)),
      /the name of step 1 is "x{60}"… \(10000 characters\)/,
    ],
    ["with two of one name", (p) => p.steps.push(p.steps[0]), /two steps of plan "sample" are named "list"/],
    [
      "with an unknown owner",
      (_p, of) => (of("site").in = "nobody[]"),
      /"site" is in "nobody\[\]", which does not exist/,
    ],
    [
      "with a task as owner",
      (_p, of) => (of("site").in = "take"),
      /"take", which is a task and owns no steps/,
    ],
    [
      "with a name for another place",
      (_p, of) => (of("site/list").in = "site[]"),
      /"site\/list" has the wrong name for its place/,
    ],
    [
      "with owners in a cycle",
      (_p, of) => (of("site[]").in = "site[]"),
      /steps own each other in a cycle: site\[\] → site\[\]/,
    ],
    [
      "with an unknown parent",
      (_p, of) => of("take").parents.push("nobody"),
      /"take" waits for "nobody", which does not exist/,
    ],
    ["with a parent twice", (_p, of) => of("take").parents.push("list"), /"take" names a parent twice/],
    [
      "with a parent elsewhere",
      (_p, of) => of("take").parents.push("site"),
      /waits for "site", which stands in another body/,
    ],
    [
      "that waits for onFailure",
      (_p, of) => of("take").parents.push("~onFailure"),
      /which is an onFailure body/,
    ],
    [
      "with a cycle",
      (_p, of) => of("list").parents.push("site[]"),
      /wait for each other in a cycle: list → site\[\] → list/,
    ],
    [
      "with a step that waits for itself",
      (_p, of) => of("take").parents.push("take"),
      /in a cycle: take → take/,
    ],
    [
      "with an unknown trigger",
      (_p, of) => (of("take").trigger = "never"),
      /step "take": trigger is "never"/,
    ],
    ["with an unknown kind of step", (_p, of) => (of("take").kind = "flow"), /step "take": kind is "flow"/],
    [
      "with an empty list of delays",
      (_p, of) => (of("take").retry.delaysMs = []),
      /step "take": retry\.delaysMs is empty/,
    ],
    [
      "with a delay of none",
      (_p, of) => (of("take").retry.delaysMs = [1, "2s"]),
      /step "take": retry\.delaysMs: a delay is "2s"; it takes a whole number/,
    ],
    ["with a retry of none", (_p, of) => delete of("take").retry, /step "take": retry is undefined/],
    [
      "with half an attempt",
      (_p, of) => (of("take").retry.attempts = 0.5),
      /retry\.attempts is 0\.5; it takes a whole number/,
    ],
    ["with inline of true", (_p, of) => (of("take").inline = true), /inline is true/],
    ["with no time to start", (_p, of) => (of("take").startWithinMs = 0), /startWithinMs is 0/],
    ["with a negative timeout", (_p, of) => (of("take").timeoutMs = -1), /timeoutMs is -1/],
    ["with a priority of 10", (_p, of) => (of("take").priority = 10), /priority is 10/],
    ["with a queue of spaces", (_p, of) => (of("take").queue = " "), /queue is " ", which is no name/],
    ["with an input of none", (_p, of) => delete of("take").input, /step "take": input is undefined/],
    [
      "with an unknown source",
      (_p, of) => (of("take").input = wiring({ from: "moon", path: [] })),
      /input comes from "moon"/,
    ],
    [
      "with a path of objects",
      (_p, of) => (of("take").input = wiring({ ...source, path: [{}] })),
      /path holds an object/,
    ],
    [
      "with a wire into nothing",
      (_p, of) => (of("take").input.wires[0].at = ["x", "y"]),
      /input\.x\.y is filled by a wire, but is no null/,
    ],
    [
      "with two wires in one place",
      (_p, of) => of("take").input.wires.push(of("take").input.wires[0]),
      /filled by two wires/,
    ],
    [
      "with `not` of two",
      (_p, of) => (of("take").when = { from: "not", args: [], path: [] }),
      /not has 0 arguments instead of 1/,
    ],
    [
      "that uses an unknown step",
      (_p, of) => (of("take").input = wiring({ ...source, step: "x" })),
      /"take" uses "x", which does not exist/,
    ],
    [
      "that uses what it does not wait for",
      (_p, of) => (of("take").parents = []),
      /step "take" uses "list", but does not wait for it/,
    ],
    [
      "whose map does not wait for it",
      (_p, of) =>
        (of("site/take").input = wiring({ ...source, step: "site/list" })) &&
        (of("site/take[]").parents = []) &&
        (of("site/take[]").over = { from: "input", of: "site", path: [] }),
      /step "site\/take" uses "site\/list", but "site\/take\[\]" around it/,
    ],
    [
      "that uses a step of a body that it cannot see",
      (p) => (p.output = wiring({ ...source, step: "site" })),
      /the plan's output uses "site", which stands in a body/,
    ],
    [
      "that uses an element outside",
      (_p, of) => (of("take").input = wiring({ from: "item", of: "site[]", path: [] })),
      /uses the item of "site\[\]", which is no map around it/,
    ],
    [
      "that uses an input outside",
      (_p, of) => (of("take").input = wiring({ from: "input", of: "site", path: [] })),
      /uses the input of "site", which is no dag around/,
    ],
    [
      "that uses a failure outside",
      (_p, of) => (of("take").input = wiring({ from: "failure", path: [] })),
      /uses a failure, but stands in no onFailure body/,
    ],
    [
      "whose onFailure has a trigger",
      (_p, of) => (of("~onFailure").trigger = "all_success"),
      /"~onFailure" is an onFailure body, so/,
    ],
    [
      "that hides all that in an operation",
      (_p, of) => (of("take").when = { from: "not", args: [wiring({ ...source, step: "x" })], path: [] }),
      /"take" uses "x"/,
    ],
    ["of a task with two steps", (p) => (p.kind = "task"), /is of a task, so it has exactly one step/],
  ];

  test.each(cases)("%s", (_name, change, message) => {
    const check = () => checkPlan(broken(change));
    expect(check).toThrow(message);
    expect(check).toThrow(expect.objectContaining({ code: "plan-invalid" }));
  });

  test("with more than 10,000 steps", () => {
    const one = sample.plan.steps[0] as object;
    const steps = Array.from({ length: 10_001 }, (_, i) => ({ ...one, name: `s${i}` }));
    expect(() => checkPlan({ ...sample.plan, steps })).toThrow(/has 10001 steps; a plan has at most 10000/);
  });

  test("when it is no object, or no JSON", () => {
    for (const value of [null, [], "plan", 3])
      expect(() => checkPlan(value)).toThrow(/the plan is .* instead of an object/);
    expect(() => checkPlan(broken((p) => (p.output.value = 1n)))).toThrow(
      expect.objectContaining({ code: "not-json" }),
    );
  });

  test("whatever part of it is replaced by anything, with an error of its own and never another", () => {
    const paths: (string | number)[][] = [];
    const collect = (value: Loose, path: (string | number)[]) => {
      paths.push(path);
      if (typeof value !== "object" || value === null) return;
      for (const key of Object.keys(value))
        collect(value[key], [...path, Array.isArray(value) ? Number(key) : key]);
    };
    collect(sample.plan, []);
    fc.assert(
      fc.property(fc.constantFrom(...paths.slice(1)), fc.jsonValue({ maxDepth: 2 }), (path, junk) => {
        const plan = broken((root) => {
          let at = root;
          for (const key of path.slice(0, -1)) at = at[key];
          at[path.at(-1) as string] = junk;
        });
        try {
          checkPlan(plan);
        } catch (error) {
          expect(error).toBeInstanceOf(JobbersError);
          expect((error as Error).message.length).toBeLessThan(500);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("cycles", () => {
  const stepsOf = (plan: Plan) => plan.steps;

  test("an edge back makes one, and every step that is named leads to the next", () => {
    fc.assert(
      fc.property(programs, fc.nat(), fc.nat(), (program, from, to) => {
        const { plan } = defineProgram(program);
        const siblings = stepsOf(plan).filter((step) => step.in === undefined);
        fc.pre(siblings.length > 0);
        const [a, b] = [siblings[from % siblings.length]!, siblings[to % siblings.length]!];
        const changed = stepsOf(plan).map((step) =>
          step === a ? { ...step, parents: [...step.parents, b.name] } : step,
        );
        const cycle = findCycle(changed, (step) => step.parents);
        const reaches = (start: string, goal: string, seen = new Set<string>()): boolean =>
          start === goal ||
          (!seen.has(start) &&
            !!seen.add(start) &&
            plan.steps.find((s) => s.name === start)!.parents.some((p) => reaches(p, goal, seen)));
        expect(cycle !== undefined).toBe(reaches(b.name, a.name));
        cycle?.forEach((name, i) => {
          const next = cycle[(i + 1) % cycle.length] as string;
          expect(changed.find((step) => step.name === name)?.parents).toContain(next);
        });
      }),
      { numRuns: 500 },
    );
  });

  test("are found whatever the order of the steps, without their tails, and a diamond is none", () => {
    const one = sample.plan.steps[0] as PlanStep;
    const steps = (edges: Record<string, string[]>) =>
      Object.entries(edges).map(([name, parents]) => ({ ...one, name, parents }));
    const cycleOf = (edges: Record<string, string[]>) => findCycle(steps(edges), (step) => step.parents);
    expect(cycleOf({ tail: ["x"], x: ["a"], a: ["b"], b: ["c", "a"], c: [] })).toEqual(["a", "b"]);
    expect(cycleOf({ bottom: ["left", "right"], left: ["top"], right: ["top"], top: [] })).toBeUndefined();
    expect(cycleOf({ a: ["unknown"] })).toBeUndefined();
  });

  test("of 10,000 steps is found without recursion, and its message stays short", () => {
    const one = sample.plan.steps[0] as object;
    const steps = Array.from({ length: 10_000 }, (_, i) => ({
      ...one,
      name: `s${i}`,
      parents: [`s${(i + 1) % 10_000}`],
    }));
    const plan = { ...sample.plan, steps, output: { value: 1, wires: [] } };
    expect(() => checkPlan(plan)).toThrow(/in a cycle: s0 → s1 → .* → s9 → … \(9989 more\) → s0$/);
  });
});
