import fc from "fast-check";
import { expect, test } from "vitest";
import {
  addDurations,
  DURATION_BUCKETS,
  DURATIONS_KEPT,
  durationBucket,
  packDurations,
  summarizeDurations,
  unpackDurations,
} from "../src/index.js";

test("a duration's bucket ends less than a factor of √2 above it", () => {
  for (const ms of [1.01, 2, 3, 10, 999, 1_000, 86_400_000]) {
    const upMs = 2 ** (durationBucket(ms) / 2);
    expect(upMs).toBeGreaterThanOrEqual(ms * 0.999_999);
    expect(upMs).toBeLessThan(ms * Math.SQRT2);
  }
  expect([0, 0.2, 1].map(durationBucket)).toEqual([0, 0, 0]);
  expect(durationBucket(1e15)).toBe(DURATION_BUCKETS - 1);
});

test("quantiles are right within a bucket", () => {
  const durations = fc.array(fc.double({ min: 1, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(durations, (all) => {
      const counts: Record<number, number> = {};
      for (const ms of all) counts[durationBucket(ms)] = (counts[durationBucket(ms)] ?? 0) + 1;
      const sorted = all.toSorted((a, b) => a - b);
      const summary = summarizeDurations(counts);
      expect(summary?.count).toBe(all.length);
      for (const [share, ms] of [
        [0.5, summary?.p50Ms],
        [0.95, summary?.p95Ms],
      ] as const) {
        const exactMs = sorted[Math.ceil(all.length * share) - 1] as number;
        expect(ms).toBeGreaterThan((exactMs / Math.SQRT2) * 0.999);
        expect(ms).toBeLessThan(exactMs * Math.SQRT2 * 1.001);
      }
    }),
  );
  expect(summarizeDurations({})).toBeUndefined();
});

test("what is added adds up until it is too much; then the old fades away", () => {
  expect(addDurations({ 3: 10 }, { 3: 1, 4: 1 })).toEqual({ 3: 11, 4: 1 });
  let counts = addDurations({}, { 40: 2_000 });
  for (let round = 0; round < 60; round++) {
    counts = addDurations(counts, { 7: 500 });
    expect(Object.values(counts).reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(DURATIONS_KEPT);
  }
  expect(Object.keys(counts)).toEqual(["7"]);
});

test("counts are written and read again", () => {
  expect(unpackDurations(packDurations({ 0: 1, 63: 0.125, 7: 1_000_000 }))).toEqual({
    ...{ 0: 1, 7: 1_000_000, 63: 0.125 },
  });
  expect(unpackDurations("")).toEqual({});
  expect(unpackDurations("x y:z 3:")).toEqual({});
});
