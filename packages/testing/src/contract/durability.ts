import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { chain, single } from "../sample-plans.js";
import type { BenchTest, ContractOptions } from "./bench.js";

/** What holds of every store that has no replica at the moment; what replicas confirm is tested where there are some. */
export function durability(test: BenchTest, { mayReplicate = false }: ContractOptions): void {
  test("durability local is what a submission has that asks for none", async ({ store }) => {
    const submission = submissionOf(single(), 1);
    await store.submit([submission], { durability: "local" });
    expect(await store.submit([submission])).toMatchObject([{ status: "existing" }]);
    expect(await store.submit([submission], {})).toMatchObject([{ status: "existing" }]);
  });

  if (mayReplicate) {
    test("a store without a replica at the moment writes the run, and never calls it replicated", async ({
      store,
      driver,
      runState,
    }) => {
      const [known, fresh] = [submissionOf(single(), 1), submissionOf(single(), 2)];
      await store.submit([known]);
      const waitedMs = expect.any(Number);
      for (let n = 0; n < 2; n++) {
        const bare = submissionOf(chain(3), null, { withPlan: false });
        const other = submissionOf(single(), 3, { id: known.id });
        expect(await store.submit([fresh, known, other, bare], { durability: "replica" })).toEqual([
          { status: "not-replicated", id: fresh.id, state: "running", waitedMs },
          { status: "not-replicated", id: known.id, state: "running", waitedMs },
          { status: "conflict", id: known.id },
          { status: "plan-missing", id: bare.id },
        ]);
      }
      expect(await (await driver(single())).finish()).toBe(2);
      expect(await runState(fresh.id)).toBe("succeeded");
      const again = await store.submit([fresh], { durability: "replica" });
      expect(again).toMatchObject([{ status: "not-replicated", state: "succeeded" }]);
      expect(await store.submit([fresh], { durability: "local" })).toMatchObject([{ status: "existing" }]);
    });
  } else {
    test("a store that can have no replica refuses to wait for one, and writes nothing", async ({
      store,
    }) => {
      const submission = submissionOf(single(), 1);
      const refused = store.submit([submission], { durability: "replica" });
      await expect(refused).rejects.toMatchObject({ code: "flag-invalid" });
      await expect(refused).rejects.toThrow(store.url);
      expect(await store.getRun(submission.id)).toBeUndefined();
      expect(await store.lastEvent()).toBe(0);
    });
  }
}
