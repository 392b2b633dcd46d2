import { task, type Workflow } from "@jobbers/core";
import type { SubmitItem, Submitted } from "@jobbers/runs";
import { describe, expect, it } from "vitest";
import { createSubmits } from "../src/submits.js";

const noop = task({ name: "noop", run: async () => null });
const other = task({ name: "other", run: async () => null });

/** A submitter whose batches come back when the test says so. */
function setUp(flights: number, waitMs = 60_000) {
  const batches: { readonly ids: unknown[]; back(): Promise<void> }[] = [];
  const submitter = {
    submit: (_workflow: Workflow, items: readonly SubmitItem[]) =>
      new Promise<Submitted[]>((resolve) => {
        const answers = items.map(
          ({ id }): Submitted => ({ id: id as string, status: "created", state: "running" }),
        );
        const back = async () => {
          resolve(answers);
          await turn();
        };
        batches.push({ ids: items.map(({ id }) => id), back });
      }),
  };
  const submits = createSubmits(submitter, { flights, waitMs });
  const send = (...ids: string[]) => Promise.all(ids.map((id) => submits.submit(noop, { id, input: {} })));
  return { submits, send, batches, sizes: () => batches.map(({ ids }) => ids.length) };
}

async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe("single submits", () => {
  it.each([1, 2])("go together while %i may be under way, and are answered each its own", async (flights) => {
    const { send, batches, sizes } = setUp(flights);
    const sent: Promise<Submitted[]>[] = [];
    for (let i = 0; i < 6; i++) {
      sent.push(send(`${i}a`, `${i}b`));
      await turn();
    }
    expect(sizes()).toEqual(Array(flights).fill(2));
    await batches[0]?.back();
    expect(sizes()).toEqual([...Array(flights).fill(2), 12 - 2 * flights]);
    for (const batch of batches.slice(1)) await batch.back();
    expect((await Promise.all(sent)).flat().map(({ id }) => id)).toEqual(
      Array.from({ length: 6 }, (_, i) => [`${i}a`, `${i}b`]).flat(),
    );
    // And when all are back, the next one goes at once.
    void send("later");
    await turn();
    expect(batches.at(-1)?.ids).toEqual(["later"]);
  });

  it("of other workflows do not wait for these", async () => {
    const { submits, send, sizes } = setUp(1);
    void send("a");
    await turn();
    void submits.submit(other, { id: "b", input: {} });
    await turn();
    expect(sizes()).toEqual([1, 1]);
  });

  it("that have waited too long are refused, not sent", async () => {
    const { send, sizes } = setUp(1, -1);
    const late = await send("a");
    expect(late).toMatchObject([{ id: "a", status: "refused", error: { code: "store-busy" } }]);
    expect(sizes()).toEqual([]);
  });
});
