import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import {
  type Duration,
  errorShape,
  MAX_DURATION_MS,
  nextTryMs,
  RetryAfter,
  type RetryOn,
  retryPlan,
  Terminal,
} from "../src/index.js";

const retry = retryPlan({ attempts: 3, delay: "1s", backoff: "fixed", jitter: false }, "retry");

/** What comes of an error that a step's try has ended with, and what went wrong in judging it. */
function judge(thrown: unknown, { on, tries = 1 }: { on?: RetryOn; tries?: number } = {}) {
  const problems: unknown[] = [];
  const onTrouble = (problem: unknown) => void problems.push(problem);
  return { ms: nextTryMs(thrown, { retry, on, tries, random: Math.random, onTrouble }), problems };
}

describe("the next try of a step", () => {
  it("comes after the policy's delay, as long as a try is left", () => {
    expect([1, 2, 3, 4].map((tries) => judge(new Error("no"), { tries }).ms)).toEqual([
      1000,
      1000,
      undefined,
      undefined,
    ]);
  });

  it("is what `on` says, which gets the error and the tries", () => {
    const asked: unknown[] = [];
    const thrown = { any: "thing" };
    const on: RetryOn = (error, about) => {
      asked.push([error, about]);
      return about.tries === 1;
    };
    expect(judge(thrown, { on }).ms).toBe(1000);
    expect(judge(thrown, { on, tries: 2 })).toEqual({ ms: undefined, problems: [] });
    expect(asked).toEqual([
      [thrown, { tries: 1 }],
      [thrown, { tries: 2 }],
    ]);
    expect(judge(thrown, { on, tries: 3 }).ms).toBeUndefined();
    expect(asked).toHaveLength(2);
  });

  it("is due where `on` throws, or does not say", () => {
    const bang = new Error("bang");
    const throws = () => {
      throw bang;
    };
    expect(judge(1, { on: throws })).toEqual({ ms: 1000, problems: [bang] });
    const mute = (() => {}) as unknown as RetryOn;
    expect(judge(1, { on: mute })).toMatchObject({
      ms: 1000,
      problems: [{ message: "retry.on answered undefined; it takes true or false, at once" }],
    });
    const async = (async () => Promise.reject(bang)) as unknown as RetryOn;
    expect(judge(1, { on: async }).ms).toBe(1000);
  });

  it("never comes after Terminal, and `on` is not asked", () => {
    const on = vi.fn(() => true);
    expect(judge(new Terminal("gone"), { on }).ms).toBeUndefined();
    expect(on).not.toHaveBeenCalled();
  });

  it("comes when RetryAfter says, as long as a try is left, and `on` is not asked", () => {
    const on = vi.fn(() => false);
    const after = (delay: Duration, tries = 1) => judge(new RetryAfter(delay), { on, tries }).ms;
    expect([after("90s"), after(0), after("3650d"), after(1.2)]).toEqual([90_000, 0, MAX_DURATION_MS, 1]);
    expect(after("90s", 3)).toBeUndefined();
    expect(on).not.toHaveBeenCalled();
  });

  it.each([
    ["-1s", 'the delay of RetryAfter is "-1s"; a duration cannot be negative'],
    ["3651d", "at most 10 years"],
    ["soon", "a duration is a number of milliseconds"],
    [Number.NaN, "a duration is a number of milliseconds"],
  ])("cannot be asked for after %s", (delay, message) =>
    expect(() => new RetryAfter(delay as Duration)).toThrow(message),
  );

  it("is understood by another copy of the package", async () => {
    vi.resetModules();
    const copy = await import("../src/index.js");
    expect(copy.RetryAfter).not.toBe(RetryAfter);
    expect(judge(new copy.RetryAfter("2h")).ms).toBe(7_200_000);
    expect(judge(new copy.Terminal("gone")).ms).toBeUndefined();
  });

  it("takes the policy's delay where a mark makes no sense, or cannot be read", () => {
    const key = Symbol.for("jobbers.retry-after");
    for (const delay of [-1, Number.NaN, Number.POSITIVE_INFINITY, MAX_DURATION_MS + 1, "90s", null])
      expect(judge({ [key]: delay }).ms).toBe(1000);
    const bomb = new Proxy(
      {},
      {
        get: () => {
          throw new Error("trap");
        },
      },
    );
    expect(judge(bomb).ms).toBe(1000);
    fc.assert(fc.property(fc.anything(), (thrown) => judge(thrown).ms === 1000));
  });
});

it("what is thrown to say so reads well in the history", () => {
  const cause = new TypeError("429");
  expect(errorShape(new RetryAfter("90s", { cause }))).toMatchObject({
    name: "RetryAfter",
    message: "to be tried again after 90s",
    cause: { name: "TypeError", message: "429" },
  });
  expect(errorShape(new Terminal("the page is gone", { cause: "404" }))).toMatchObject({
    ...{ name: "Terminal", message: "the page is gone", cause: { message: "404" } },
  });
  expect(new Terminal("x")).toBeInstanceOf(Error);
  expect("cause" in new Terminal("x")).toBe(false);
  expect(new RetryAfter(5).message).toBe("to be tried again after 5 ms");
});
