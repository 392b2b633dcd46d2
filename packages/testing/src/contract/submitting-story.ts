import { createRunIds, type Submission } from "@jobbers/core";
import fc from "fast-check";
import { expect } from "vitest";
import { needsOf, submissionOf } from "../factories.js";
import { chain, single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

/** How many ids a story has, and how many of these are of its time; the others lie far off. */
const IDS = 8;
const NEAR = 6;

const YEAR_MS = 365 * 86_400_000;

/** Those of one form are alike but for id and content, as those of one call are. */
const forms = {
  single: submissionOf(single()),
  tagged: submissionOf(single(), null, { tags: ["t"] }),
  chain: submissionOf(chain(2)),
  delayed: submissionOf(single(), null, { delayMs: 60_000 }),
} as const;

interface Asked {
  /** Which of the story's ids. */
  readonly id: number;
  readonly form: keyof typeof forms;
  readonly content: number;
}

const form = fc.constantFrom<Asked["form"][]>("single", "single", "tagged", "chain", "delayed");
const anyhow = fc.array(fc.record({ id: fc.nat(IDS - 1), form, content: fc.nat(1) }), { maxLength: IDS });
/** As they come from a process that submits many. */
const inOrder = fc
  .tuple(fc.subarray([...Array(IDS).keys()]), form, fc.nat(1))
  .map(([ids, form, content]): Asked[] => ids.map((id) => ({ id, form, content })));
const calls = fc.array(fc.oneof(inOrder, anyhow), { minLength: 1, maxLength: 5 });

function submissionFor({ form, content }: Asked, id: string): Submission {
  const input = JSON.stringify(content);
  return { ...forms[form], id, input, fingerprint: `${form} ${content}` };
}

export function submittingStory(test: BenchTest): void {
  test("whatever ids are submitted in whatever order and company, each is one run, listed as it came", async ({
    store,
    driver,
    faulty,
  }) => {
    const worker = await driver(chain(2), { serves: [...needsOf(single()), ...needsOf(chain(2))] });
    let ms = Date.UTC(2026, 0, 1);
    let farMs = Date.UTC(2500, 0, 1);
    await fc.assert(
      fc.asyncProperty(calls, async (story) => {
        const next = createRunIds(() => ++ms);
        // Each story's are less than those of the one before.
        const far = createRunIds(() => farMs);
        farMs -= 10;
        const ids = Array.from({ length: IDS }, (_, i) => (i < NEAR ? next() : far()));
        const runs = new Map<string, Submission>();
        for (const call of story) {
          const batch = call.map((each) => submissionFor(each, ids[each.id] as string));
          const expected = batch.map((each) => {
            const known = runs.get(each.id);
            if (known) return known.fingerprint === each.fingerprint ? "existing" : "conflict";
            runs.set(each.id, each);
            return faulty ? expect.stringMatching(/created|existing/) : "created";
          });
          expect((await store.submit(batch)).map(({ status }) => status)).toEqual(expected);
        }
        const { runs: listed } = await store.listRuns({ limit: IDS });
        expect(listed.slice(0, runs.size).map(({ id }) => id)).toEqual([...runs.keys()].reverse());
        for (const { id, input } of runs.values()) {
          expect(await store.readValues(id, [":input"])).toEqual({ ":input": input });
        }
        const steps = [...runs.values()].filter(({ delayMs }) => delayMs === undefined);
        const taken = await worker.finish();
        expect(taken).toBe(steps.reduce((sum, { members }) => sum + members, 0));
      }),
      { numRuns: 40 },
    );
  });

  test("an id that lay years ahead is known when its time has come, and so are those around it", async ({
    store,
    clock,
    faulty,
  }) => {
    const created = faulty ? expect.stringMatching(/created|existing/) : "created";
    const next = createRunIds(() => clock.now() + 2 * YEAR_MS);
    const [a, b, c, d] = [next(), next(), next(), next()];
    const submit = async (...ids: string[]) => {
      const batch = ids.map((id) => submissionFor({ id: 0, form: "single", content: 0 }, id));
      return (await store.submit(batch)).map(({ status }) => status);
    };
    expect(await submit(createRunIds(() => clock.now())())).toEqual([created]);
    expect(await submit(b)).toEqual([created]);
    clock.advance(1.5 * YEAR_MS);
    expect(await submit(a, c)).toEqual([created, created]);
    expect(await submit(a)).toEqual(["existing"]);
    expect(await submit(a, b, c, d)).toEqual(["existing", "existing", "existing", created]);
  });
}
