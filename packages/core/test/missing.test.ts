import { describe, expect, test } from "vitest";
import { z } from "zod";
import { dag, eq, orElse, type Ref, type Trigger, task } from "../src/index.js";

const work = task({ name: "work", run: async () => ["x"] });
const take = task({ name: "take", input: z.object({ it: z.unknown() }), run: async () => ["x"] });
const input = z.object({ flag: z.boolean() });
const define = (build: (flag: Ref<boolean>) => unknown) => () =>
  dag("d", { input }, ({ flag }) => build(flag) as Ref<unknown>);

describe("one_failed and all_done", () => {
  test.each<Trigger>(["one_failed", "all_done"])("%s must wrap what it takes in orElse", (trigger) => {
    const message = new RegExp(
      `^dag "d": step "take" has the trigger ${trigger}, so the output of "work" may be missing; wrap it in orElse`,
    );
    expect(define(() => void take({ it: work() }, { trigger }))).toThrow(message);
    expect(define(() => void take({ it: { deep: [work().at(0)] } }, { trigger }))).toThrow(message);
    expect(define(() => void take({ it: 1 }, { trigger, when: eq(work().at(0), "x") }))).toThrow(message);
    expect(define(() => void take({ it: orElse(1 as never, work()) }, { trigger }))).toThrow(message);
    expect(define(() => void take({ it: orElse(work(), "") }, { trigger }))).not.toThrow();
    expect(define(() => void take({ it: orElse(orElse(work(), work()), 1) }, { trigger }))).not.toThrow();
    expect(define(() => void take({ it: eq(orElse(work(), ""), "") }, { trigger }))).not.toThrow();
    expect(define(() => void take({ it: 1 }, { trigger, after: work() }))).not.toThrow();
  });

  test("count what a map's body takes from outside", () => {
    const build = (wrap: boolean) =>
      define((flag) => {
        const list = work();
        const other = work();
        work().length;
        return void orElse(list, []).map(
          (item) => take({ it: [item, flag, wrap ? orElse(other, 1) : other] }),
          {
            trigger: "all_done",
          },
        );
      });
    expect(build(false)).toThrow(
      /step "take\[\]" has the trigger all_done, so the output of "work~2" may be missing/,
    );
    expect(build(true)).not.toThrow();
  });

  test("one_failed needs a parent of its own body", () => {
    const message = /step "work" has the trigger one_failed, but waits for no step of its own body/;
    expect(define(() => void work({}, { trigger: "one_failed" }))).toThrow(message);
    expect(
      define(() => {
        const list = take({ it: 1 });
        list.map((it) => work({}, { trigger: "one_failed", when: eq(it, "x"), after: list }));
      }),
    ).toThrow(message);
    expect(define(() => void work({}, { trigger: "all_done" }))).not.toThrow();
  });
});

describe("none_failed", () => {
  test("must wrap what may be skipped", () => {
    const build = (when: boolean, wrap: boolean) =>
      define((flag) => {
        const list = work({}, when ? { when: flag } : {});
        take({ it: wrap ? orElse(list, []) : list }, { trigger: "none_failed" });
      });
    expect(build(true, false)).toThrow(
      /trigger none_failed, and the output of "work" may be missing \(it has a `when`\)/,
    );
    expect(build(true, true)).not.toThrow();
    expect(build(false, false)).not.toThrow();
  });

  test("also what is skipped because of a step before it", () => {
    expect(
      define((flag) => {
        const first = work({}, { when: flag });
        const second = take({ it: first });
        take({ it: second }, { trigger: "none_failed" });
      }),
    ).toThrow(/the output of "take" may be missing \("work" before it has a `when`\)/);
    expect(
      define((flag) => {
        const first = work({}, { when: flag });
        const second = take({ it: orElse(first, 1) }, { trigger: "none_failed" });
        take({ it: second }, { trigger: "none_failed" });
      }),
    ).not.toThrow();
  });
});

test("none_failed minds no parent that may be caught, since that one's failure cancels", () => {
  expect(
    define(() => {
      const first = work();
      take({ it: 1 }, { name: "rescue", trigger: "one_failed", after: first });
      take({ it: first }, { trigger: "none_failed" });
    }),
  ).not.toThrow();
});

describe("what a dag or a map body returns", () => {
  test("may not be skipped", () => {
    expect(define((flag) => work({}, { when: flag }))).toThrow(
      'dag "d": it returns the output of "work", which may be missing (it has a `when`); wrap it in orElse()',
    );
    expect(define((flag) => ({ a: [work({}, { when: flag }).length] }))).toThrow(
      /returns the output of "work"/,
    );
    expect(define((flag) => take({ it: work({}, { when: flag }) }))).toThrow(/returns the output of "take"/);
    expect(define((flag) => orElse(work({}, { when: flag }), []))).not.toThrow();
    expect(define((flag) => work().map(() => 1, { when: flag }))).toThrow(/returns the output of "map\[\]"/);
    expect(define((flag) => work().map((it) => take({ it }, { when: flag })))).toThrow(
      /the body of "take\[\]" returns the output of "take", which may be missing/,
    );
    expect(define((flag) => work().map((it) => orElse(take({ it }, { when: flag }), null)))).not.toThrow();
  });

  test("may not be a step that runs only after a failure", () => {
    expect(define(() => take({ it: 1 }, { after: work(), trigger: "one_failed" }))).toThrow(
      /may be missing \(it runs only after a failure\)/,
    );
  });

  test("may not be caught, directly or through what comes before", () => {
    const build = (what: (first: Ref<string[]>, second: Ref<string[]>, rescue: Ref<string[]>) => unknown) =>
      define(() => {
        const first = work();
        const second = take({ it: first });
        const rescue = take({ it: 1 }, { name: "rescue", trigger: "one_failed", after: [first] });
        return what(first, second, rescue);
      });
    expect(build((first) => first)).toThrow(
      /"work", which may be missing \(it may fail and be caught by "rescue"\)/,
    );
    expect(build((_, second) => second)).toThrow(
      /"take", which may be missing \("work" before it may fail and be caught by "rescue"\)/,
    );
    expect(build((first, _, rescue) => orElse(first, rescue))).toThrow(/returns the output of "rescue"/);
    expect(build((first, _, rescue) => orElse(orElse(first, rescue), []))).not.toThrow();
    expect(build((first) => take({ it: orElse(first, 1) }, { trigger: "all_done" }))).not.toThrow();
    expect(build((_, second) => take({ it: 1 }, { trigger: "none_failed", after: second }))).toThrow(
      /"take~2", which may be/,
    );
  });

  test("does not matter in onFailure, whose output nobody reads", () => {
    expect(() =>
      dag("d", { input, onFailure: (_, { flag }) => work({}, { when: flag }) }, () => 1),
    ).not.toThrow();
  });
});

test("10,000 steps that may be skipped one after the other are judged without recursion", () => {
  const define = () =>
    dag("long", { input }, ({ flag }) => {
      let last = take({ it: 1 }, { when: flag });
      for (let i = 1; i < 9000; i++) last = take({ it: last });
      return last;
    });
  let message = "";
  try {
    define();
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toMatch(/returns the output of "take~9000", which may be missing/);
  expect(message.length).toBeLessThan(500);
});
