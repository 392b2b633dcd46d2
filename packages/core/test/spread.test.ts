import {
  createChooser,
  dag,
  followOf,
  hash,
  indexPlan,
  JobbersError,
  leastLoaded,
  locate,
  random,
  roundRobin,
  type Spread,
  type SpreadPlan,
  specOf,
  spreadPlan,
  summarizeSpread,
  task,
  weighted,
} from "@jobbers/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const place = { run: "01ARZ3NDEKTSV4RRFFQ69G5FAV", map: "fetch[]" };
const named = (n: number) => Array.from({ length: n }, (_, i) => `queue-${i}`);
const runs = { numRuns: 8 };
const someRun = fc.string({ minLength: 1, maxLength: 26 });

/** The queues that a spread chooses for so many elements, which are their own indices. */
function chosen(spread: Spread<never>, count: number, run = place.run, depths = new Map<string, number>()) {
  const chooser = createChooser(spreadPlan(spread), spread, { ...place, run });
  return Array.from({ length: count }, (_, i) => chooser.choose(i, i, depths));
}

function countsOf(queues: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const queue of queues) counts.set(queue, (counts.get(queue) ?? 0) + 1);
  return counts;
}

describe("how elements come out", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 });

  test("by weight: each share within 10 %, and within a few elements of its fair share at any time", () => {
    fc.assert(
      fc.property(weights, someRun, fc.integer({ min: 1, max: 3_000 }), (list, run, count) => {
        const sum = list.reduce((all, each) => all + each, 0);
        const spread = weighted(Object.fromEntries(list.map((weight, i) => [`queue-${i}`, weight])));
        const all = chosen(spread, 10_000, run);
        const whole = countsOf(all);
        const part = countsOf(all.slice(0, count));
        for (const [i, weight] of list.entries()) {
          const fair = weight / sum;
          expect(Math.abs((whole.get(`queue-${i}`) ?? 0) / (10_000 * fair) - 1)).toBeLessThan(0.1);
          expect(Math.abs((part.get(`queue-${i}`) ?? 0) - count * fair)).toBeLessThan(6);
        }
      }),
      runs,
    );
  });

  test("by weight: a queue of weight 0 gets nothing, fractions are weights, too", () => {
    const counts = countsOf(chosen(weighted({ none: 0, most: 0.75, least: 0.25, last: 0 }), 1_000));
    expect([...counts.keys()].sort()).toEqual(["least", "most"]);
    expect(counts.get("most")).toBeGreaterThan(740);
  });

  test("in turn: no queue has more than one more than another, and runs begin at different ones", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 1, max: 500 }),
        someRun,
        (n, count, run) => {
          const counts = countsOf(chosen(roundRobin(named(n)), count, run));
          const all = named(n).map((queue) => counts.get(queue) ?? 0);
          expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(1);
        },
      ),
      runs,
    );
    const firsts = Array.from({ length: 100 }, (_, i) => chosen(roundRobin(named(4)), 1, `run-${i}`)[0]);
    expect(new Set(firsts).size).toBe(4);
  });

  test("at random: evenly", () => {
    const counts = countsOf(chosen(random(named(5)), 10_000));
    for (const queue of named(5)) expect(Math.abs((counts.get(queue) ?? 0) / 2_000 - 1)).toBeLessThan(0.1);
  });

  test("by hash: evenly, wherever the queue stands in the list", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 16 }), fc.string(), (n, prefix) => {
        const key = (i: number) => `${prefix}${i}.example.com`;
        const queues = chosen(hash(key, named(n)), 10_000);
        expect(chosen(hash(key, named(n).reverse()), 10_000)).toEqual(queues);
        const counts = countsOf(queues);
        for (const queue of named(n))
          expect(Math.abs((counts.get(queue) ?? 0) / 10_000 - 1 / n)).toBeLessThan(0.02);
      }),
      runs,
    );
  });

  test("by hash: an added queue takes its share and at most 2 % more; a key moves nowhere else", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.string(), (n, prefix) => {
        const key = (i: number) => `${prefix}${i}`;
        const before = chosen(hash(key, named(n)), 10_000);
        const after = chosen(hash(key, [...named(n), "added"]), 10_000);
        const moved = after.filter((queue, i) => queue !== before[i]);
        expect(moved.length / 10_000).toBeLessThan(1 / (n + 1) + 0.02);
        expect(moved.every((queue) => queue === "added")).toBe(true);
        // The same read backwards: of a queue that is taken away only its own keys move.
        expect(after.filter((queue) => queue === "added")).toHaveLength(moved.length);
      }),
      runs,
    );
  });

  test("by hash: equal keys share a queue, in every run", () => {
    const queues = chosen(
      hash((i: number) => i % 7, named(5)),
      70,
      "one",
    );
    expect(
      chosen(
        hash((i: number) => i % 7, named(5)),
        70,
        "other",
      ),
    ).toEqual(queues);
    for (let i = 7; i < 70; i++) expect(queues[i]).toBe(queues[i % 7]);
  });

  test("least loaded: the shorter of two, and what is added counts", () => {
    const spread = leastLoaded(["long", "short"]);
    const counts = countsOf(chosen(spread, 300, place.run, new Map([["long", 200]])));
    // The first 200 fill the short one up; then both grow alike.
    expect(Math.abs((counts.get("short") ?? 0) - 250)).toBeLessThanOrEqual(1);
    const many = countsOf(chosen(leastLoaded(named(16)), 1_600));
    expect(Math.max(...many.values()) - Math.min(...many.values())).toBeLessThan(10);
    const never = countsOf(chosen(leastLoaded(named(3)), 50, place.run, new Map([["queue-1", 1_000]])));
    expect(never.get("queue-1")).toBeUndefined();
    expect(chosen(leastLoaded(["only"]), 3)).toEqual(["only", "only", "only"]);
  });

  test("the same element of the same run gets the same queue again, wherever one begins", () => {
    const all: Spread<never>[] = [
      random(named(5)),
      roundRobin(named(5)),
      weighted({ a: 1, b: 2 }),
      hash((i: number) => i, named(5)),
    ];
    for (const spread of all) {
      const whole = chosen(spread, 300);
      const again = createChooser(spreadPlan(spread), spread, place);
      for (const i of [299, 7, 0, 150]) expect(again.choose(i, i, new Map())).toBe(whole[i]);
    }
    expect(chosen(random(named(5)), 100)).not.toEqual(chosen(random(named(5)), 100, "another"));
  });
});

describe("a spread of one's own", () => {
  const bySize: Spread<number> = {
    name: "by-size",
    queues: ["small", "large"],
    choose: ({ item, queues }) => queues[item > 10 ? 1 : 0] ?? "none",
  };

  test("chooses by the element, and keeps its own `this`", () => {
    expect(chosen(bySize, 12).slice(9)).toEqual(["small", "small", "large"]);
    class Sticky implements Spread<unknown> {
      readonly name = "mine";
      readonly queues = ["a", "b"];
      choose() {
        return this.queues[1] as string;
      }
    }
    expect(chosen(new Sticky(), 1)).toEqual(["b"]);
  });

  const faults: [string, Spread<never>, RegExp][] = [
    [
      "a choose that throws",
      {
        ...bySize,
        choose: () => {
          throw new Error("no size");
        },
      },
      /for element 0: no size/,
    ],
    [
      "no queue of it",
      { ...bySize, choose: () => "middle" },
      /answered "middle", which is none of its queues small, large/,
    ],
    ["an object", { ...bySize, choose: () => ({}) as string }, /it answered an object/],
    [
      "a promise",
      { ...bySize, choose: () => Promise.resolve("small") as unknown as string },
      /it answered an object/,
    ],
    [
      "a key that throws",
      hash((i: number) => new URL(String(i)).host, ["a"]),
      /"hash" of map "fetch\[\]" failed for element 0: Invalid URL/,
    ],
    [
      "a key that is an object",
      hash(() => ({}) as string, ["a"]),
      /element 0: its key is an object; a key is text or a number/,
    ],
    ["a key that is missing", hash(() => undefined as unknown as string, ["a"]), /its key is undefined/],
  ];

  test.each(faults)("%s fails, saying for which element", (_name, spread, message) => {
    expect(() => chosen(spread, 1)).toThrow(message);
    expect(() => chosen(spread, 1)).toThrow(expect.objectContaining({ code: "spread-failed" }));
  });

  test("where the code is not at hand, the plan's queues are taken in turn", () => {
    const plan: SpreadPlan = { by: "hash", queues: named(2), code: true };
    const chooser = createChooser(plan, undefined, place);
    expect(chooser.isStandIn).toBe(true);
    expect(
      [0, 1, 2].map((i) => chooser.choose(i, i, new Map())).filter((q) => q === "queue-0").length,
    ).toBeGreaterThan(0);
    expect(createChooser(spreadPlan(roundRobin(named(2))), undefined, place).isStandIn).toBe(false);
  });

  test("code of another version may choose among its own queues, too", () => {
    const newer: Spread<number> = { ...bySize, choose: () => "large" };
    const plan = spreadPlan({ ...bySize, queues: ["old"] });
    expect(createChooser(plan, newer, place).choose(11, 0, new Map())).toBe("large");
  });
});

describe("what is refused at definition", () => {
  const own = { name: "mine", queues: ["a"], choose: () => "a" };
  // biome-ignore lint/suspicious/noExplicitAny: what is wrong has no type
  const wrong = (value: unknown) => value as any;
  const inDag = (spread: unknown) => () =>
    dag("d", {}, () => void list().map((n) => work({ n }), { spread: wrong(spread) }));
  const cases: [string, () => unknown, RegExp][] = [
    ["weights that sum to 0", () => weighted({ a: 0, b: 0 }), /weighted\(\): its weights sum to 0/],
    ["a negative weight", () => weighted({ a: -1, b: 2 }), /weighted\(\): the weight of "a" is -1/],
    ["a weight that is no number", () => weighted({ a: Number.NaN }), /the weight of "a" is NaN/],
    ["weights without queues", () => weighted({}), /weighted\(\) has no queues/],
    [
      "a list of weights",
      () => weighted(wrong([1, 2])),
      /weighted\(\) has the weights a list; write weighted\(\{/,
    ],
    ["a queue's name", () => leastLoaded(["a", "b c"]), /leastLoaded\(\): queue "b c" is not/],
    ["a queue that is named twice", () => random(["a", "b", "a"]), /random\(\) names the queue "a" twice/],
    ["65 queues", () => roundRobin(named(65)), /roundRobin\(\) has 65 queues; a spread has at most 64/],
    [
      "an async key",
      () =>
        hash(
          wrong(async () => "a"),
          ["a"],
        ),
      /hash\(\): key is async/,
    ],
    ["an async choose", inDag({ ...own, choose: async () => "a" }), /spread: choose is async/],
    ["no name", inDag({ ...own, name: undefined }), /spread: name undefined is not/],
    ["one's own queues", inDag({ ...own, queues: "a" }), /spread has no queues/],
    [
      "too few weights",
      inDag({ ...own, weights: [] }),
      /spread has the weights a list; it takes a list with one/,
    ],
    [
      "no choose",
      inDag({ ...own, choose: undefined }),
      /spread is an object; use hash\(\), .* name, queues and choose/,
    ],
  ];

  test.each(cases)("%s", (_name, call, message) => {
    expect(call).toThrow(message);
    expect(call).toThrow(JobbersError);
  });
});

const list = task({ name: "list", run: (): number[] => [1] });
const work = task({ name: "work", queue: "own", input: z.object({ n: z.number() }), run: ({ n }) => n });

describe("the plan of a spread map", () => {
  const page = dag("page", { failure: "stop" }, () => ({
    a: work({ n: 1 }),
    b: work({ n: 2 }, { queue: "named", name: "kept" }),
  }));
  const plain = dag("plain", {}, () => list().map((n) => work({ n }, { queue: "named" })));
  const whole = dag("whole", {}, () =>
    list().map(
      (n) => {
        page();
        work({ n }, { name: "late", queue: "named" });
        return work({ n });
      },
      { spread: weighted({ a: 1, b: 3 }) },
    ),
  );
  const index = indexPlan(whole.plan);

  test("has what is data, and says what keeps its queue, inside inlined dags as well", () => {
    const map = index.step("work[]");
    expect(map).toMatchObject({ spread: { by: "weighted", queues: ["a", "b"], weights: [1, 3] } });
    expect(whole.plan.steps.filter((step) => "keepsQueue" in step).map(({ name }) => name)).toEqual([
      "page/kept",
      "late",
    ]);
    const coded = dag("coded", {}, () => list().map((n) => work({ n }), { spread: hash((n) => n, ["a"]) }));
    expect(coded.plan.steps[1]).toMatchObject({ spread: { by: "hash", queues: ["a"], code: true } });
    expect(specOf(indexPlan(coded.plan), coded.plan.steps[1] as never, []).needs).toBe("dag:coded");
    expect(specOf(index, map, []).needs).toBe("");
  });

  test("without a spread says nothing of all that", () => {
    expect(JSON.stringify(plain.plan)).not.toMatch(/spread|keepsQueue/);
  });

  test("lays every step of an instance, but for those", () => {
    const queueOf = (name: string) => specOf(index, index.step(name), [3], "b");
    expect(queueOf("work")).toMatchObject({ queue: "b", laid: "b" });
    expect(queueOf("page")).toMatchObject({ queue: "", laid: "b" });
    expect(queueOf("page/work")).toMatchObject({ queue: "b", laid: "b" });
    expect(queueOf("page/kept")).toMatchObject({ queue: "named", laid: "b" });
    expect(queueOf("late")).toMatchObject({ queue: "named", laid: "b" });
    expect(specOf(index, index.step("work"), [3])).not.toHaveProperty("laid");
    const chain = dag("chain", {}, () =>
      list().map((n) => work({ n: work({ n }) }), { spread: random(["a", "b"]) }),
    );
    const follows = indexPlan(chain.plan);
    const located = { ...locate(follows, "work[0]"), laid: "b" };
    expect(followOf(follows, located).successors.items).toMatchObject([
      { address: "work~2[0]", queue: "b", laid: "b" },
    ]);
  });
});

describe("how well a map was spread", () => {
  const share = (queue: string, count: number, waits = 0, waitedMs = 0, longestWaitMs = 0) => ({
    ...{ queue, count, waits, waitedMs, longestWaitMs },
  });

  test("skew is the largest share over fair share", () => {
    const even = { by: "random", queues: ["a", "b"] };
    expect(summarizeSpread(even, [share("a", 52), share("b", 48)])).toEqual({
      by: "random",
      count: 100,
      queues: [
        { queue: "a", count: 52, share: 0.52, fairShare: 0.5 },
        { queue: "b", count: 48, share: 0.48, fairShare: 0.5 },
      ],
      skew: 1.04,
    });
    expect(summarizeSpread(even, [share("b", 7)]).skew).toBe(2);
    const weights = { by: "weighted", queues: ["a", "b"], weights: [3, 1] };
    expect(summarizeSpread(weights, [share("a", 75), share("b", 25)]).skew).toBe(1);
    expect(summarizeSpread(weights, [share("a", 50), share("b", 50)]).skew).toBe(2);
    expect(summarizeSpread(even, [])).not.toHaveProperty("skew");
  });

  test("a queue that should have none, by its weight or because the plan has it not, shows in the skew", () => {
    const plan = { by: "mine", queues: ["a", "b"], weights: [1, 0] };
    expect(summarizeSpread(plan, [share("a", 3), share("b", 1)]).skew).toBe(0.75);
    expect(summarizeSpread(plan, [share("c", 4)]).queues).toContainEqual({
      queue: "c",
      count: 4,
      share: 1,
      fairShare: 0,
    });
  });

  test("waits are told by queue, and how far they lie apart", () => {
    const summary = summarizeSpread({ by: "random", queues: ["a", "b", "c"] }, [
      share("a", 2, 2, 300, 200),
      share("b", 2, 1, 50, 50),
      share("c", 1),
    ]);
    expect(summary.queues[0]).toMatchObject({ meanWaitMs: 150, longestWaitMs: 200 });
    expect(summary.queues[2]).not.toHaveProperty("meanWaitMs");
    expect(summary.waitSpreadMs).toBe(100);
  });
});
