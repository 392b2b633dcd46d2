import { describe, expect, it } from "vitest";
import {
  addressOf,
  entriesOf,
  followOf,
  indexPlan,
  locate,
  type Plan,
  type PlanStep,
  sourceKeys,
  specOf,
} from "../src/index.js";

const retry = { attempts: 1, backoff: "fixed", delayMs: 0, maxMs: 0, jitter: false } as const;
const nothing = { value: null, wires: [] } as const;

function call(
  name: string,
  parents: string[] = [],
  more: Partial<Extract<PlanStep, { kind: "task" }>> = {},
): PlanStep {
  return {
    kind: "task",
    name,
    task: name,
    parents,
    trigger: "all_success",
    queue: "default",
    retry,
    input: nothing,
    ...more,
  };
}

function planOf(steps: PlanStep[]): Plan {
  return { format: 1, kind: "dag", name: "test", failure: "stop", steps, output: nothing };
}

/** sites.map((site) => crawl(site)), where the dag `crawl` lists pages and maps over them: list, fetch, parse. */
const nested = indexPlan(
  planOf([
    call("sites"),
    {
      kind: "map",
      name: "crawl[]",
      parents: ["sites"],
      trigger: "all_success",
      over: { from: "step", step: "sites", path: [] },
      output: { value: null, wires: [{ at: [], source: { from: "step", step: "crawl", path: [] } }] },
    },
    {
      kind: "dag",
      name: "crawl",
      in: "crawl[]",
      dag: "crawl",
      parents: [],
      trigger: "all_success",
      parses: true,
      failure: "stop",
      input: { value: {}, wires: [{ at: ["site"], source: { from: "item", of: "crawl[]", path: [] } }] },
      output: { value: null, wires: [{ at: [], source: { from: "step", step: "crawl/parse[]", path: [] } }] },
    },
    call("crawl/list", [], {
      in: "crawl",
      input: { value: null, wires: [{ at: [], source: { from: "input", of: "crawl", path: ["site"] } }] },
    }),
    {
      kind: "map",
      name: "crawl/parse[]",
      in: "crawl",
      parents: ["crawl/list"],
      trigger: "all_success",
      over: { from: "step", step: "crawl/list", path: [] },
      output: { value: null, wires: [{ at: [], source: { from: "step", step: "crawl/parse", path: [] } }] },
    },
    call("crawl/fetch", [], {
      in: "crawl/parse[]",
      input: { value: null, wires: [{ at: [], source: { from: "item", of: "crawl/parse[]", path: [] } }] },
    }),
    call("crawl/parse", ["crawl/fetch"], { in: "crawl/parse[]" }),
    call("report", ["crawl[]"], {
      input: { value: null, wires: [{ at: [], source: { from: "step", step: "crawl[]", path: [] } }] },
    }),
  ]),
);

describe("addresses", () => {
  it("put each map's index behind the segment at whose depth the map stands", () => {
    expect(addressOf(nested, nested.step("crawl/fetch"), [4, 3])).toBe("crawl[4]/fetch[3]");
    expect(addressOf(nested, nested.step("crawl/parse[]"), [4])).toBe("crawl[4]/parse[]");
    expect(addressOf(nested, nested.step("crawl[]"), [])).toBe("crawl[]");
  });

  it("are read back into step and indices", () => {
    expect(locate(nested, "crawl[4]/fetch[3]")).toEqual({
      step: nested.step("crawl/fetch"),
      indices: [4, 3],
    });
    expect(locate(nested, "crawl[4]/parse[]")).toEqual({ step: nested.step("crawl/parse[]"), indices: [4] });
  });
});

describe("specOf", () => {
  it("names the owner at its own instance, and what the step reads", () => {
    expect(specOf(nested, nested.step("crawl/fetch"), [4, 3])).toMatchObject({
      owner: "crawl[4]/parse[]",
      reads: ["crawl[4]/parse[]:3"],
      parents: 0,
      dependents: 1,
      phase: "run",
    });
    expect(specOf(nested, nested.step("crawl/list"), [4])).toMatchObject({
      owner: "crawl[4]",
      reads: ["crawl[4]:input"],
    });
    expect(specOf(nested, nested.step("crawl"), [4])).toMatchObject({
      owner: "crawl[]",
      needs: "dag:crawl",
      phase: "enter",
      reads: ["crawl[]:4"],
    });
  });

  it("lets only the only child of an only parent be handed straight back", () => {
    expect(specOf(nested, nested.step("crawl/parse"), [0, 0]).inline).toBe(true);
    const fork = indexPlan(planOf([call("a"), call("b", ["a"]), call("c", ["a"]), call("d", ["b", "c"])]));
    expect(["a", "b", "c", "d"].map((name) => specOf(fork, fork.step(name), []).inline)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it("says of a failure whether somebody may still rescue it, here or above", () => {
    const plan = indexPlan(
      planOf([
        {
          kind: "dag",
          name: "inner",
          dag: "inner",
          parents: [],
          trigger: "all_success",
          parses: false,
          failure: "stop",
          input: nothing,
          output: nothing,
        },
        call("inner/work", [], { in: "inner" }),
        call("catch", ["inner"], { trigger: "one_failed" }),
        call("after", ["catch"]),
      ]),
    );
    expect(specOf(plan, plan.step("inner/work"), [])).toMatchObject({ catchers: 0, stops: false });
    expect(specOf(plan, plan.step("inner"), [])).toMatchObject({ catchers: 1, stops: true });
    expect(specOf(plan, plan.step("catch"), [])).toMatchObject({ catches: true, stoppable: false });
    expect(specOf(plan, plan.step("after"), [])).toMatchObject({ catches: false, stoppable: true });
  });

  it("shelters what stands inside catch and finally bodies from being stopped", () => {
    const plan = indexPlan(
      planOf([
        call("a"),
        {
          kind: "dag",
          name: "clean",
          dag: "clean",
          parents: ["a"],
          trigger: "all_done",
          parses: false,
          failure: "stop",
          input: nothing,
          output: nothing,
        },
        call("clean/up", [], { in: "clean" }),
      ]),
    );
    expect(specOf(plan, plan.step("clean/up"), []).stoppable).toBe(false);
  });
});

describe("followOf and entriesOf", () => {
  it("follow stays in the body, in the same instance", () => {
    const follow = followOf(nested, locate(nested, "crawl[4]/fetch[3]"));
    expect(follow.successors.items.map((spec) => spec.address)).toEqual(["crawl[4]/parse[3]"]);
    expect(followOf(nested, locate(nested, "crawl[4]/parse[3]")).successors.items).toEqual([]);
  });

  it("a catcher names the parents that it rescues", () => {
    const plan = indexPlan(planOf([call("a"), call("b"), call("c", ["a", "b"], { trigger: "one_failed" })]));
    expect(followOf(plan, locate(plan, "c")).rescues).toEqual(["a", "b"]);
    expect(followOf(plan, locate(plan, "a")).rescues).toBeUndefined();
  });

  it("come in pages of 500 whose cursors meet", () => {
    const names = Array.from({ length: 1201 }, (_, i) => `s${i}`);
    const plan = indexPlan(planOf([call("a"), ...names.map((name) => call(name, ["a"]))]));
    const seen: string[] = [];
    let cursor: number | undefined = 0;
    while (cursor !== undefined) {
      const { successors } = followOf(plan, locate(plan, "a"), cursor);
      expect(successors.items.length).toBeLessThanOrEqual(500);
      seen.push(...successors.items.map((spec) => spec.address));
      cursor = successors.next;
    }
    expect(seen).toEqual(names);
  });

  it("an onFailure body is neither an entry nor a member", () => {
    const plan = indexPlan(
      planOf([
        call("a"),
        {
          kind: "dag",
          name: "~onFailure",
          dag: "~onFailure",
          parents: [],
          trigger: "all_done",
          parses: false,
          failure: "stop",
          input: nothing,
          output: nothing,
        },
        call("~onFailure/tell", [], { in: "~onFailure" }),
      ]),
    );
    expect(entriesOf(plan, undefined, []).items.map((spec) => spec.address)).toEqual(["a"]);
    expect(plan.members(undefined)).toHaveLength(1);
    expect(plan.onFailure(undefined)?.name).toBe("~onFailure");
    expect(specOf(plan, plan.step("~onFailure/tell"), []).stoppable).toBe(false);
  });
});

describe("sourceKeys", () => {
  it("of an inlined dag are its mark and what its answer is wired from", () => {
    expect(sourceKeys(nested, { from: "step", step: "crawl", path: [] }, [2])).toEqual([
      "crawl[2]",
      "crawl[2]/parse[]",
    ]);
  });
  it("of a map are its count alone, however wide it is", () => {
    expect(sourceKeys(nested, { from: "step", step: "crawl[]", path: [] }, [])).toEqual(["crawl[]"]);
  });
});
