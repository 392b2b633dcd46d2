import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";
import { HOUR_MS, once } from "./key-claims.js";

/** Submissions that say when their run is to start. */
export function starts(test: BenchTest): void {
  test("a start that is past or too far off is refused by the store's clock", async (bench) => {
    const { store, clock } = bench;
    for (const runAtMs of [0, clock.now() - 60_001, clock.now() + 3_650 * 24 * HOUR_MS + 1]) {
      const submission = submissionOf(single(), 1, { runAtMs });
      const [result] = await store.submit([submission]);
      expect(result).toEqual({ status: "run-at-invalid", id: submission.id, nowMs: clock.now() });
      expect(await store.getRun(submission.id)).toBeUndefined();
    }
    await bench.submit(single(), 1, { runAtMs: clock.now() - 60_000 });
    await bench.submit(single(), 1, { runAtMs: clock.now() + 3_650 * 24 * HOUR_MS });
    const mixed = await store.submit([
      submissionOf(single(), 1, { runAtMs: 0 }),
      submissionOf(single(), 2),
      submissionOf(single(), 3, { runAtMs: 1 }),
    ]);
    expect(mixed.map(({ status }) => status)).toEqual([
      "run-at-invalid",
      expect.stringMatching(/created|existing/),
      "run-at-invalid",
    ]);
  });

  test("a submission that is sent again after its start is not refused", async (bench) => {
    const { store, clock } = bench;
    const runAtMs = clock.now() + 1_000;
    const first = submissionOf(single(), 1, { runAtMs });
    await store.submit([first]);
    const keyed = submissionOf(single(), 2, { runAtMs, claim: once("k") });
    await store.submit([keyed]);
    clock.advance(HOUR_MS);
    expect((await store.submit([first]))[0]).toMatchObject({ status: "existing", id: first.id });
    expect((await store.submit([keyed]))[0]).toMatchObject({ status: "existing", id: keyed.id });
    const renamed = submissionOf(single(), 2, { runAtMs, claim: once("k") });
    expect((await store.submit([renamed]))[0]).toMatchObject({ status: "existing", id: keyed.id });
    // What would take its place may not: nothing is replaced by what is refused.
    const replacing = submissionOf(single(), 2, { runAtMs, claim: once("k", { ifHeld: "replace" }) });
    expect((await store.submit([replacing]))[0]?.status).toBe("run-at-invalid");
    expect(await bench.runState(keyed.id)).toBe("scheduled");
  });
}
