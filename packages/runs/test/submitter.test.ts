import {
  createRunIds,
  type Durability,
  FAIR,
  type FairKey,
  JobbersError,
  type Submission,
  type SubmitCall,
  type SubmitResult,
  task,
} from "@jobbers/core";
import { turns } from "@jobbers/testing";
import { describe, expect, it } from "vitest";
import { findRegistered } from "../src/registered.js";
import { planTextOf } from "../src/submission.js";
import { createSubmitter } from "../src/submitter.js";

const ulid = createRunIds(Date.now);
const double = task({ name: "double", run: async () => null });

/** A store that takes a submission only with its plan, until it has seen the plan. */
function forgetful() {
  const batches: Submission[][] = [];
  const durabilities: (Durability | undefined)[] = [];
  let known = false;
  const submit = async (batch: readonly Submission[], call?: SubmitCall): Promise<SubmitResult[]> => {
    batches.push([...batch]);
    durabilities.push(call?.durability);
    known ||= batch.some(({ planText }) => planText !== undefined);
    return batch.map(({ id }) =>
      known ? { status: "created", id, state: "running" } : { status: "plan-missing", id },
    );
  };
  return { batches, durabilities, submit };
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

  it("sends many in growing batches, so that the store works on some while the next are prepared", async () => {
    const store = forgetful();
    await createSubmitter(store).submit(
      double,
      Array.from({ length: 1001 }, (_, n) => ({ input: { n } })),
    );
    // The first comes twice: the plan was missing.
    expect(store.batches.map((batch) => batch.length)).toEqual([60, 60, 120, 240, 581]);
    const sent = store.batches.slice(1).flatMap((batch) => batch.map(({ input }) => JSON.parse(input).n));
    expect(sent).toEqual([...Array(1001).keys()]);
  });

  it("sends along whose turn a step takes: its task says, or else its queue", async () => {
    const own = task({ name: "own", fair: () => "own", run: async () => null });
    const useOf = async (of: typeof double, fair: FairKey) => {
      const store = forgetful();
      await createSubmitter(store, new Map([["default", fair]])).submit(of, [{ input: {} }]);
      return store.batches[0]?.[0]?.limits;
    };
    expect(await useOf(double, () => 7)).toEqual([{ limit: FAIR, key: "7", cost: 1 }]);
    expect(await useOf(own, () => 7)).toEqual([{ limit: FAIR, key: "own", cost: 1 }]);
    // An empty key is none; of one that cannot be had a worker is asked.
    expect(await useOf(double, () => "")).toEqual([]);
    expect(await useOf(double, () => [] as unknown as string)).toBeUndefined();
    const store = forgetful();
    await createSubmitter(store).submit(double, [{ input: {} }]);
    expect(store.batches[0]?.[0]?.limits).toBeUndefined();
  });

  it("sends the next batch before the last is answered once the store has the plan, four at most", async () => {
    const store = forgetful();
    const submitter = createSubmitter({
      submit: async (batch, call) => {
        const results = await store.submit(batch, call);
        await opened;
        return results;
      },
    });
    let open = () => {};
    let opened: Promise<void> = Promise.resolve();
    await submitter.submit(double, [{ input: {} }]);
    const before = store.batches.length;
    opened = new Promise((resolve) => {
      open = resolve;
    });
    const all = submitter.submit(
      double,
      Array.from({ length: 2_500 }, () => ({ input: {} })),
    );
    await turns(50);
    expect(store.batches.length - before).toBe(4);
    open();
    expect(await all).toHaveLength(2_500);
    expect(store.batches.slice(before).map((batch) => batch.length)).toEqual([
      60, 120, 240, 480, 500, 500, 600,
    ]);
  });

  it("tells the ids of items whose fate is unknown, so that they can be sent again", async () => {
    const broken = { submit: () => Promise.reject(new JobbersError("store-busy", "busy")) };
    const answers = await createSubmitter(broken).submit(double, [{ input: {} }, { input: 1n }]);
    const codes = answers.map((answer) => answer.status === "refused" && (answer.error as JobbersError).code);
    expect(codes).toEqual(["store-busy", "not-json"]);
    for (const { id } of answers) expect(id).toMatch(/^[0-9A-Z]{26}$/);
  });

  it("asks for a replica where an item does, also when it sends the plan after it, and keeps the order", async () => {
    const store = forgetful();
    const ids = Array.from({ length: 4 }, () => ulid());
    const items = ids.map((id, i) => ({
      ...{ id, input: {} },
      ...(i % 2 === 1 && { durability: "replica" as const }),
    }));
    const answers = await createSubmitter(store).submit(double, [...items, { input: 1n }]);
    expect(answers.slice(0, 4)).toEqual(ids.map((id) => ({ id, status: "created", state: "running" })));
    expect(answers[4]).toMatchObject({ status: "refused", error: { code: "not-json" } });
    const sent = store.batches.map((batch) => batch.map(({ id }) => ids.indexOf(id)));
    expect(sent).toEqual([
      [0, 2],
      [0, 2],
      [1, 3],
    ]);
    expect(store.durabilities).toEqual(["local", "local", "replica"]);
    const alone = forgetful();
    await createSubmitter(alone).submit(double, items.slice(1, 2));
    expect(alone.durabilities).toEqual(["replica", "replica"]);
  });

  it("says that a run is written but not confirmed, and which, so that it can be sent again", async () => {
    const submit = async ([each]: readonly Submission[]): Promise<SubmitResult[]> => [
      { status: "not-replicated", id: each?.id as string, state: "running", waitedMs: 2000 },
    ];
    const [answer] = await createSubmitter({ submit }).submit(double, [{ input: {}, durability: "replica" }]);
    const { id, error } = answer as Extract<typeof answer, { error: Error }>;
    expect(error).toMatchObject({ code: "not-replicated", detail: { id, waitedMs: 2000 } });
    expect(error.message).toContain(`written run ${id}, but no replica confirmed it within 2000 ms`);
  });

  it("sends a deadline as part of the content, and refuses one that cannot be", async () => {
    const store = forgetful();
    const wrong = ["soon", -1, 0, "99999d"].map((deadline) => ({ input: {}, deadline: deadline as number }));
    const early = { input: {}, delay: "2s", deadline: "2s" } as const;
    const items = [{ input: {} }, { input: {}, deadline: "1.5m" } as const, early, ...wrong];
    const [, , ...refused] = await createSubmitter(store).submit(double, items);
    const [plain, timed] = store.batches[0] as Submission[];
    expect([plain?.deadlineMs, timed?.deadlineMs]).toEqual([undefined, 90_000]);
    expect(timed?.fingerprint).not.toBe(plain?.fingerprint);
    const messages = refused.map((each) => each.status === "refused" && (each.error as JobbersError).message);
    expect(messages).toEqual([
      expect.stringMatching(/deadline is "2s", which is over before the delay/),
      expect.stringMatching(/deadline is "soon"; a duration is/),
      expect.stringMatching(/deadline is -1; a duration cannot be negative/),
      expect.stringMatching(/deadline is 0; it has to be longer than 0/),
      expect.stringMatching(/deadline is "99999d"; a duration is at most/),
    ]);
  });

  it("keeps a trace context with the run, as no part of its content", async () => {
    const store = forgetful();
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const items = [{ input: {} }, { input: {}, traceparent }, { input: {}, traceparent: "nonsense" }];
    const answers = await createSubmitter(store).submit(double, items);
    const [plain, traced] = store.batches[0] as Submission[];
    expect([plain?.traceparent, traced?.traceparent]).toEqual([undefined, traceparent]);
    expect(traced?.fingerprint).toBe(plain?.fingerprint);
    expect(answers[2]).toMatchObject({ status: "refused", error: { code: "flag-invalid" } });
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
    expect(await fingerprints(double, { a: 1, b: 2 }, { durability: "replica" })).toBe(one);
    expect(await fingerprints(double, { a: 1, b: 2 }, { delay: "1s" })).not.toBe(one);
    expect(await fingerprints(double, { a: 1, b: 2 }, { delay: 1000 })).toBe(
      await fingerprints(double, { a: 1, b: 2 }, { delay: "1s" }),
    );
  });
});

describe("a registered workflow", () => {
  it("is submitted without its code, or the known names are listed", async () => {
    const { name, kind, version: plan } = double;
    const registration = { name, kind, plan, planText: planTextOf(double.plan), registeredAtMs: 0 };
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
