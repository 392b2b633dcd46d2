import {
  indexPlan,
  type Plan,
  type RetryOptions,
  type RetryResult,
  type RunRecord,
  type StepRecord,
} from "@jobbers/core";
import { fromInput, mapStep, onFailureStep, planOf, taskStep } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
import { retryFrom } from "../src/retry-from.js";

const plan: Plan = planOf("plan", [
  taskStep("a"),
  mapStep("item[]", fromInput("list"), { after: ["a"] }),
  taskStep("item", { in: "item[]" }),
  taskStep("end", { after: ["item[]"] }),
  onFailureStep(),
  taskStep("~onFailure/tell", { in: "~onFailure" }),
]);

/** A run with steps in some states, and what the store is asked to retry. */
function stage(steps: Readonly<Record<string, Partial<StepRecord>>>, state: RunRecord["state"] = "failed") {
  const asked: RetryOptions[] = [];
  const store = {
    getRun: async (id: string) => ({ id, state, plan: "hash", purged: false }) as RunRecord,
    getStep: async (_run: string, address: string) =>
      steps[address] && ({ address, fence: 3, ...steps[address] } as StepRecord),
    retry: async (_run: string, options: RetryOptions = {}): Promise<RetryResult> => {
      asked.push(options);
      return { status: "retried" };
    },
  };
  const deps = { store, plans: { read: async () => indexPlan(plan) } };
  return { asked, from: (from: string, fence?: number) => retryFrom(deps, "run", { from, fence }) };
}

describe("a retry from a step", () => {
  it("is about the failure where the step has failed, and a rerun where it has succeeded", async () => {
    const { asked, from } = stage({
      a: { state: "succeeded" },
      "item[]": { state: "failed", reason: "body" },
      "item[2]": { state: "failed", reason: "error" },
    });
    for (const step of ["failed", "item[2]", "item", "a", "item[]"]) await from(step);
    expect(asked).toEqual([
      ...[{}, { only: { step: "item[2]" } }, { only: { step: "item" } }],
      {
        only: {
          rerun: {
            ...{ step: "a", fence: 3, around: [], caught: [], inside: ["item"] },
            after: [
              { step: "item[]", kept: [] },
              { step: "end", kept: [] },
            ],
          },
        },
      },
      { only: { rerun: expect.objectContaining({ step: "item[]", after: [{ step: "end", kept: [] }] }) } },
    ]);
  });

  it("is not asked for where the step has been taken since it was seen", async () => {
    const { asked, from } = stage({ a: { state: "failed", reason: "error" } });
    expect(await from("a", 2)).toBe("retried");
    expect(asked).toEqual([]);
    await from("a", 3);
    expect(asked).toHaveLength(1);
  });

  it("leaves a run that goes on to the store", async () => {
    const { asked, from } = stage({ a: { state: "succeeded" } }, "running");
    await from("a");
    expect(asked).toEqual([{ only: { step: "a" } }]);
  });

  it.each([
    ["nobody", "step-unknown", 'run run has no step "nobody"'],
    [
      "end",
      "step-not-retryable",
      'step "end" of run run was never reached; retry the run, or rerun it from a',
    ],
    [
      "item[7]",
      "step-not-retryable",
      "is one of many inside a map, and has not failed; rerun the run from the map",
    ],
    ["item[0]", "step-not-retryable", 'from the map, "item[]"'],
    ["a", "step-not-retryable", "was skipped, so it has no result; rerun the run from a step before it"],
    ["item[]", "step-not-retryable", "was cancelled before it came to an end; retry the run"],
    ["~onFailure/tell", "step-not-retryable", "lies in an onFailure body, which runs once"],
  ])("says of %s why it cannot run again, and what to do", async (step, code, message) => {
    const { asked, from } = stage({
      a: { state: "skipped", reason: "condition" },
      "item[]": { state: "cancelled", reason: "cancelled" },
      "item[0]": { state: "succeeded" },
      "~onFailure/tell": { state: "succeeded" },
    });
    await expect(from(step)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(asked).toEqual([]);
  });

  it("says of a name inside a map, in a run that has succeeded, that the map can run again", async () => {
    const { from } = stage({}, "succeeded");
    await expect(from("item")).rejects.toMatchObject({ message: expect.stringContaining("from the map") });
  });
});
