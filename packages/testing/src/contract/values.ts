import type { Grant, Report } from "@jobbers/core";
import { expect } from "vitest";
import { chain, diamond, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

/** Texts around the sizes at which a store may keep them elsewhere. JSON holds no control characters, so none are needed here. */
const texts = [
  ...[63, 64, 65, 1_023, 1_024, 1_025, 8_192].map((length) => "y".repeat(length)),
  ...[1_023, 1_024, 1_025].map((length) => "é".repeat(length)),
  "😀".repeat(512),
  ',;|%2C{}a\\"',
  "",
];

export function values(test: BenchTest): void {
  test("inputs and outputs of any size and of any characters are kept as they are", async (bench) => {
    const { store, submit, driver, runState } = bench;
    for (const text of texts) {
      const [alone, first] = [
        await submit(single(), null, { input: text }),
        await submit(chain(2), null, { input: text }),
      ];
      const worker = await driver([single(), chain(2)]);
      const told = async (grant: Grant) => ({ ...(await worker.success(grant)), output: text }) as Report;
      for (const grant of await worker.take(2)) await worker.exchange([await told(grant)]);
      const [last] = (await worker.take()) as [Grant];
      expect(last.values).toEqual({ s1: text });
      await worker.exchange([await told(last)]);
      expect([await runState(alone), await runState(first)]).toEqual(["succeeded", "succeeded"]);
      expect(await store.readValues(alone, [":input", "a"])).toEqual({ ":input": text, a: text });
      expect(await store.readValues(first, [":input", "s1", "s2"])).toEqual({
        ":input": text,
        s1: text,
        s2: text,
      });
    }
  });

  test("a run's outputs may grow beyond any size", async ({ store, submit, driver, runState }) => {
    const length = 20;
    const [runs, output] = [[await submit(chain(length), 1), await submit(diamond(), 2)], "z".repeat(1_000)];
    await (
      await driver([chain(length), diamond()], { slots: 3, script: () => ({ succeed: output }) })
    ).finish();
    for (const run of runs) {
      expect(await runState(run)).toBe("succeeded");
      const { steps } = await store.listSteps(run, { limit: 100 });
      const addresses = steps.map(({ address }) => address);
      expect(addresses).toHaveLength(run === runs[0] ? length : 4);
      expect(Object.values(await store.readValues(run, addresses))).toEqual(
        addresses.map(() => JSON.stringify(output)),
      );
    }
  });

  test("tags and traceparents of any characters come with each grant", async ({ store, submit, driver }) => {
    const about = { tags: ["a,b", "\u001f\u001e", "é😀", ""], traceparent: "00-\u001f\u001e,%-é" };
    const runs = [
      await submit(single(), 1, about),
      await submit(single(), 2),
      await submit(chain(2), 3, about),
    ];
    const worker = await driver([single(), chain(2)]);
    const grants = await worker.take(3);
    expect(grants.map(({ tags, traceparent }) => ({ tags, traceparent }))).toEqual([
      about,
      { tags: [], traceparent: undefined },
      about,
    ]);
    for (const grant of grants) await worker.succeed(grant);
    expect(await worker.take(3)).toMatchObject([about]);
    expect(await store.getRun(runs[2] as string)).toMatchObject(about);
    expect((await store.listRuns({ limit: 5, tag: "a,b" })).runs).toHaveLength(2);
  });
}
