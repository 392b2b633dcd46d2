import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Duration,
  durationMs,
  JobbersError,
  MAX_DURATION_MS,
  type RetryPolicy,
  retryDelayMs,
  retryPlan,
} from "../src/index.js";

describe("durationMs", () => {
  it.each<[Duration, number]>([
    ["250ms", 250],
    ["1s", 1000],
    ["1.5m", 90_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
    ["0s", 0],
    ["-0s", 0],
    ["0.4ms", 0],
    [1234.5, 1235],
    [-0, 0],
    ["3650d", MAX_DURATION_MS],
  ])("reads %s", (text, ms) => expect(durationMs(text, "timeout")).toBe(ms));

  it.each([
    "",
    "5",
    "s",
    "1 s",
    "1S",
    "1w",
    "1e3s",
    "0x10s",
    "1s ",
    "٣s",
    "1..5s",
    `${"9".repeat(50)}s`,
    Number.NaN,
    Infinity,
    null,
    {},
  ])("refuses %o", (value) =>
    expect(() => durationMs(value as string, "timeout")).toThrow(
      /^timeout is .+; a duration is a number of milli/,
    ),
  );

  it("refuses negative and endless durations, under the code it is given", () => {
    expect(() => durationMs("-1s", "--grace", "flag-invalid")).toThrow(
      expect.objectContaining({
        code: "flag-invalid",
        message: '--grace is "-1s"; a duration cannot be negative',
      }),
    );
    expect(() => durationMs("3651d", "timeout")).toThrow("at most 10 years");
    expect(() => durationMs(1e300, "timeout")).toThrow(
      expect.objectContaining({ code: "definition-invalid" }),
    );
  });
});

describe("retryPlan", () => {
  it("has defaults", () => {
    const plan = { attempts: 3, backoff: "exponential", delayMs: 1000, maxMs: 300_000, jitter: true };
    expect(retryPlan(undefined, "retry")).toEqual(plan);
    expect(
      retryPlan(
        { attempts: undefined, backoff: undefined, delay: undefined, max: undefined, jitter: undefined },
        "retry",
      ),
    ).toEqual(plan);
    expect(retryPlan({ delay: "10m" }, "retry").maxMs).toBe(600_000);
  });

  it("takes a list of delays, one for each further try", () => {
    const rest = { backoff: "fixed", delayMs: 3000, maxMs: 86_400_000, jitter: false };
    const delaysMs = [3000, 30_000, 600_000, 86_400_000];
    const delay = ["3s", "30s", "10m", "24h"] as const;
    expect(retryPlan({ delay }, "retry")).toEqual({ attempts: 5, ...rest, delaysMs });
    expect(retryPlan({ delay, attempts: 9, jitter: true }, "retry")).toEqual({
      ...{ attempts: 9, ...rest, delaysMs, jitter: true },
    });
    expect(retryPlan({ delay: [0, "3650d"] }, "retry").delaysMs).toEqual([0, MAX_DURATION_MS]);
    expect(retryPlan({ delay: "3s" }, "retry")).not.toHaveProperty("delaysMs");
  });

  it.each<[unknown, string]>([
    [{ attempts: -1 }, 'task "a": retry.attempts is -1; it takes a whole number from 1 to 10000'],
    [{ attempts: 10_001 }, "retry.attempts is 10001; it takes"],
    [{ attempts: Number.POSITIVE_INFINITY }, "retry.attempts is Infinity; it takes"],
    [{ attempts: null }, "retry.attempts is null; it takes"],
    [{ delay: "-1s" }, 'task "a": retry.delay is "-1s"; a duration cannot be negative'],
    [{ delay: "11y" }, 'retry.delay is "11y"; a duration is a number of milliseconds'],
    [{ max: "3651d" }, 'retry.max is "3651d"; a duration is at most 10 years'],
    [{ delay: [] }, 'task "a": retry.delay is a list of 0; it takes 1 to 100 delays; for a single try write'],
    [{ delay: Array(101).fill(1) }, "retry.delay is a list of 101; it takes 1 to 100 delays"],
    [{ delay: ["1s", "soon"] }, 'task "a": retry.delay[1] is "soon"; a duration is'],
    [{ delay: ["1s", -5] }, 'task "a": retry.delay[1] is -5; a duration cannot be negative'],
    // biome-ignore lint/suspicious/noSparseArray: that is what is refused
    [{ delay: ["1s", , "2s"] }, 'task "a": retry.delay[1] is undefined; a duration is'],
    [{ delay: ["1s"], attempts: 0 }, 'task "a": retry.attempts is 0; it takes'],
    [{ delay: ["1s"], jitter: "full" }, 'task "a": retry.jitter is "full"; it takes true or false'],
    [{ delay: ["1s"], backoff: "fixed" }, 'task "a": retry.backoff is "fixed", but .delay is a list'],
    [{ delay: ["1s"], max: "5m" }, 'task "a": retry.max is "5m", but .delay is a list'],
    [{ on: () => true }, 'task "a": retry has no option "on"; it is a function, which no plan can hold'],
    [{ attempts: 0 }, 'task "a": retry.attempts is 0; it takes a whole number from 1 to 10000'],
    [{ attempts: 1.5 }, 'task "a": retry.attempts is 1.5; it takes a whole number from 1 to 10000'],
    [{ attempts: "3" }, 'task "a": retry.attempts is "3"; it takes a whole number from 1 to 10000'],
    [{ backoff: "linear" }, 'task "a": retry.backoff is "linear"; it takes "fixed" or "exponential"'],
    [{ jitter: 1 }, 'task "a": retry.jitter is 1; it takes true or false'],
    [{ delay: "2s", max: "1s" }, 'task "a": retry.max is "1s", shorter than .delay, which is "2s"'],
    [{ delay: "soon" }, 'task "a": retry.delay is "soon"; a duration is'],
    [
      { retries: 3 },
      'task "a": retry has no option "retries"; there are attempts, backoff, delay, max, jitter',
    ],
    [5, 'task "a": retry is 5; it takes an object'],
    [null, 'task "a": retry is null; it takes an object'],
  ])("refuses %o", (policy, message) => {
    expect(() => retryPlan(policy as RetryPolicy, 'task "a": retry')).toThrow(JobbersError);
    expect(() => retryPlan(policy as RetryPolicy, 'task "a": retry')).toThrow(message);
  });
});

describe("retryDelayMs", () => {
  const plans = fc
    .record({
      attempts: fc.integer({ min: 1, max: 10_000 }),
      backoff: fc.constantFrom("fixed" as const, "exponential" as const),
      delayMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: MAX_DURATION_MS })),
      more: fc.nat(),
      jitter: fc.boolean(),
    })
    .map(({ more, ...plan }) => ({ ...plan, maxMs: plan.delayMs + more }));
  const tries = fc.oneof(
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  );
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it("doubles up to its cap", () => {
    const plan = retryPlan({ delay: "1s", max: "5s", jitter: false }, "retry");
    expect([1, 2, 3, 4, 5].map((n) => retryDelayMs(plan, n, Math.random))).toEqual([
      1000, 2000, 4000, 5000, 5000,
    ]);
    const fixed = { ...plan, backoff: "fixed" } as const;
    expect([1, 2, 3].map((n) => retryDelayMs(fixed, n, Math.random))).toEqual([1000, 1000, 1000]);
  });

  it("takes the delays of a list one after the other, the last one again and again", () => {
    const plan = retryPlan({ delay: ["3s", "1s", "24h"] }, "retry");
    const delays = [1, 2, 3, 4, 9_999].map((n) => retryDelayMs(plan, n, Math.random));
    expect(delays).toEqual([3000, 1000, 86_400_000, 86_400_000, 86_400_000]);
    expect(retryDelayMs({ ...plan, jitter: true }, 2, () => 0.5)).toBe(500);
    expect(retryDelayMs(plan, 0, Math.random)).toBe(3000);
  });

  it("draws evenly from zero to the computed delay, both included", () => {
    const plan = retryPlan({ delay: 3 }, "retry");
    const drawn = [0, 0.24, 0.25, 0.5, 0.75, 0.999_999].map((r) => retryDelayMs(plan, 1, () => r));
    expect(drawn).toEqual([0, 0, 1, 2, 3, 3]);
  });

  it("is always a whole number from 0 to the cap", () => {
    fc.assert(
      fc.property(plans, tries, random, (plan, n, r) => {
        const delay = retryDelayMs(plan, n, () => r);
        expect(Number.isSafeInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(plan.maxMs);
      }),
    );
  });

  it("never shrinks with tries, and jitter never lengthens it", () => {
    fc.assert(
      fc.property(plans, tries, random, (plan, n, r) => {
        const bare = { ...plan, jitter: false };
        const delay = retryDelayMs(bare, n, () => r);
        expect(retryDelayMs(bare, n + 1, () => r)).toBeGreaterThanOrEqual(delay);
        expect(delay).toBeGreaterThanOrEqual(plan.delayMs);
        expect(retryDelayMs({ ...plan, jitter: true }, n, () => r)).toBeLessThanOrEqual(delay);
      }),
    );
  });
});
