import type { KeyClaim, SubmitResult } from "@jobbers/core";
import { expect } from "vitest";
import { type SubmissionParts, submissionOf } from "../factories.js";
import { single } from "../sample-plans.js";
import type { Bench } from "./bench.js";
import type { FAIL } from "./graph.js";

export const HOUR_MS = 3_600_000;

/** Held for a time: the same content again is answered with its run. */
export const once = (key: string, more: Partial<KeyClaim> = {}): KeyClaim => ({
  ...{ scope: "idempotency", key, until: "time", holdMs: 24 * HOUR_MS, ifHeld: "same" },
  ...more,
});
/** Held until the end: one at a time. */
export const alone = (key: string, more: Partial<KeyClaim> = {}): KeyClaim => ({
  ...{ scope: "singleton", key, until: "end", ifHeld: "existing" },
  ...more,
});
/** Held until its run begins: the last one wins. */
export const late = (key: string, more: Partial<KeyClaim> = {}): KeyClaim => ({
  ...{ scope: "debounce", key, until: "begin", ifHeld: "replace" },
  ...more,
});

/** Submits one run with a claim; answers its id and the result. */
export async function claim(
  { store }: Bench,
  input: number,
  claimed: KeyClaim,
  parts: SubmissionParts = {},
): Promise<{ readonly id: string; readonly result: SubmitResult }> {
  const submission = submissionOf(single(), input, { claim: claimed, ...parts });
  const [result] = await store.submit([submission]);
  return { id: submission.id, result: result as SubmitResult };
}

/** Claims a key that nobody holds. */
export async function holder(bench: Bench, input: number, claimed: KeyClaim, parts?: SubmissionParts) {
  const { id, result } = await claim(bench, input, claimed, parts);
  expect(result).toMatchObject({ id });
  expect(["created", "existing"]).toContain(result.status);
  return id;
}

/** Runs whatever is ready. */
export async function finish(bench: Bench, script?: () => typeof FAIL) {
  const worker = await bench.driver(single(), {
    leaseMs: Number.POSITIVE_INFINITY,
    ...(script && { script }),
  });
  return await worker.finish();
}
