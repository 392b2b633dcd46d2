import {
  dag,
  indexPlan,
  type Plan,
  roundRobin,
  type Spread,
  specOf,
  sticky,
  task,
  toMermaid,
} from "@jobbers/core";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const input = z.object({ urls: z.array(z.string()) });
const any = z.any();
const download = task({ name: "download", input: any, run: async () => ["a"] });
const cut = task({ name: "cut", input: any, run: async () => "piece" });
const store = task({ name: "store", input: any, run: async () => null });
const inner = dag("inner", {}, () => store({ after: cut({}) }));

/** How long each step of a plan is sticky, where it is. */
const stuck = ({ plan }: { plan: Plan }) =>
  Object.fromEntries(plan.steps.flatMap(({ name, stickyMs }) => (stickyMs ? [[name, stickyMs]] : [])));

describe("what is sticky", () => {
  test("a call that says so, and nothing else", () => {
    const one = dag("one", {}, () => store({ after: cut({ in: download({}) }, { sticky: "10s" }) }));
    expect(stuck(one)).toEqual({ cut: 10_000 });
    const index = indexPlan(one.plan);
    expect(specOf(index, index.step("cut"), []).stickyMs).toBe(10_000);
    expect(specOf(index, index.step("store"), [])).not.toHaveProperty("stickyMs");
    expect(toMermaid(one.plan)).toContain("cut<br/>sticky for 10000 ms");
    const none = dag("one", {}, () => store({ after: cut({ in: download({}) }) }));
    expect(JSON.stringify(none.plan)).not.toContain("sticky");
  });

  test("a map and all that is in its children, but for what says otherwise", () => {
    const all = dag("all", {}, () =>
      download({}).map(
        (url) => {
          const piece = cut({ url }, { name: "own" });
          const cells = download({ piece }, { sticky: "1s" });
          cells.map((cell) => cut({ cell }), { spread: roundRobin(["a", "b"]), name: "laid" });
          cells.map((cell) => cut({ cell }), { name: "each-cell" });
          return inner(undefined, { after: cells });
        },
        { spread: sticky({ within: "10s" }) },
      ),
    );
    expect(stuck(all)).toEqual({
      ...{ "inner[]": 10_000, own: 10_000, "download~2": 1_000, "each-cell": 10_000, "cut~2": 10_000 },
      ...{ inner: 10_000, "inner/cut": 10_000, "inner/store": 10_000 },
    });
  });

  test("only what follows a task can be", () => {
    const refused = (build: () => unknown) => {
      try {
        build();
      } catch (error) {
        return (error as Error).message;
      }
      return undefined;
    };
    expect(refused(() => dag("d", {}, () => cut({}, { sticky: "1s" })))).toBe(
      'dag "d": step "cut" is sticky, but no task goes before it whose worker it could stick to: pass it what a task answers, or use after',
    );
    const overInput = () =>
      dag("d", { input }, ({ urls }) => urls.map((url) => cut({ url }), { spread: sticky({ within: 5 }) }));
    expect(refused(overInput)).toContain("map over what a task answers");
    const inMap = () => dag("d", {}, () => download({}).map((url) => cut({ url }, { sticky: "1s" })));
    expect(refused(inMap)).toContain("for a map's children use spread: sticky()");
    expect(refused(() => dag("d", {}, () => cut({ in: download({}) }, { sticky: 0 })))).toContain(
      "longer than 0",
    );
    expect(refused(() => sticky({ within: "soon" as "1s" }))).toContain("within");
    expect(refused(() => sticky({} as { within: number }))).toContain('write sticky({ within: "10s" })');
    const odd = { name: "sticky" } as unknown as Spread<unknown>;
    expect(
      refused(() => dag("d", {}, () => download({}).map((url) => cut({ url }), { spread: odd }))),
    ).toContain("sticky()");
  });
});
