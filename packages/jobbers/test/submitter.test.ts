import { JobbersError, type Submission, type SubmitResult } from "@jobbers/core";
import { describe, expect, it } from "vitest";
import { task } from "../src/index.js";
import { findRegistered } from "../src/registered.js";
import { planTextOf } from "../src/submission.js";
import { createSubmitter } from "../src/submitter.js";

const double = task({ name: "double", run: async () => null });

/** A store that takes a submission only with its plan, until it has seen the plan. */
function forgetful() {
  const batches: Submission[][] = [];
  let known = false;
  const submit = async (batch: readonly Submission[]): Promise<SubmitResult[]> => {
    batches.push([...batch]);
    known ||= batch.some(({ planText }) => planText !== undefined);
    return batch.map(({ id }) =>
      known ? { status: "created", id, state: "running" } : { status: "plan-missing", id },
    );
  };
  return { batches, submit };
}

describe("the submitter", () => {
  it("sends the plan only when it is asked for, and to the same submissions", async () => {
    const store = forgetful();
    const submitter = createSubmitter(store);
    const items = Array.from({ length: 3 }, () => ({ input: {} }));
    const answers = await submitter.submit(double, items);
    expect(answers.map(({ status }) => status)).toEqual(["created", "created", "created"]);
    expect(store.batches.map((batch) => batch.map(({ planText }) => planText))).toEqual([
      [undefined, undefined, undefined],
      Array(3).fill(planTextOf(double.plan)),
    ]);
    expect(store.batches[1]?.map(({ id }) => id)).toEqual(store.batches[0]?.map(({ id }) => id));
    await submitter.submit(double, items);
    expect(store.batches).toHaveLength(3);
  });

  it("sends many in batches of 500", async () => {
    const store = forgetful();
    await createSubmitter(store).submit(
      double,
      Array.from({ length: 1001 }, () => ({ input: {} })),
    );
    expect(store.batches.map((batch) => batch.length)).toEqual([500, 500, 500, 1]);
  });

  it("tells the ids of items whose fate is unknown, so that they can be sent again", async () => {
    const broken = { submit: () => Promise.reject(new JobbersError("store-busy", "busy")) };
    const answers = await createSubmitter(broken).submit(double, [{ input: {} }, { input: 1n }]);
    const codes = answers.map((answer) => answer.status === "refused" && (answer.error as JobbersError).code);
    expect(codes).toEqual(["store-busy", "not-json"]);
    for (const { id } of answers) expect(id).toMatch(/^[0-9A-Z]{26}$/);
  });

  it("has one fingerprint for one content, whatever the order of keys and the workflow's plan", async () => {
    const other = task({ name: "double", queue: "elsewhere", run: async () => null });
    const fingerprints = async (workflow: typeof double, input: unknown, options: object = {}) => {
      const store = forgetful();
      await createSubmitter(store).submit(workflow, [{ input, ...options }]);
      return store.batches[0]?.[0]?.fingerprint;
    };
    const one = await fingerprints(double, { a: 1, b: 2 });
    expect(await fingerprints(double, { b: 2, a: 1, c: undefined })).toBe(one);
    expect(await fingerprints(other as unknown as typeof double, { a: 1, b: 2 })).toBe(one);
    expect(await fingerprints(double, { a: 1, b: 2 }, { delay: "1s" })).not.toBe(one);
    expect(await fingerprints(double, { a: 1, b: 2 }, { delay: 1000 })).toBe(
      await fingerprints(double, { a: 1, b: 2 }, { delay: "1s" }),
    );
  });
});

describe("a registered workflow", () => {
  it("is submitted without its code, or the known names are listed", async () => {
    const { name, kind, version: plan } = double;
    const registration = { name, kind, plan, planText: planTextOf(double.plan) };
    const store = {
      findRegistration: async (wanted: string) => (wanted === name ? registration : undefined),
      listRegistrations: async () => [registration, registration],
    };
    expect(await findRegistered(store, "double")).toMatchObject({
      kind: "task",
      name,
      version: plan,
      plan: double.plan,
    });
    await expect(findRegistered(store, "treble")).rejects.toThrow(
      'no task or dag "treble"; there are double',
    );
  });
});
