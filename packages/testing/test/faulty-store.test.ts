import type { Expansion, Store } from "@jobbers/core";
import { CallerDied, faultyStore, mortalStore, patientStore, ReplyDropped } from "@jobbers/testing";
import { describe, expect, test } from "vitest";

/** A store that only counts, and answers with its count. */
function countingStore() {
  const calls: [string, unknown][] = [];
  const verb = (name: string) => async (argument: unknown) => {
    calls.push([name, argument]);
    return calls.length;
  };
  const store = { url: "test:", renew: verb("renew"), expand: verb("expand"), getRun: verb("getRun") };
  return { calls, store: store as unknown as Store };
}

const renewals = (calls: readonly [string, unknown][]) => calls.filter(([name]) => name === "renew").length;

describe("faultyStore", () => {
  test("executes changing calls twice and answers the first time's reply, reading calls once", async () => {
    const { calls, store } = countingStore();
    const faulty = faultyStore(store, { seed: 1, twice: true });
    expect(await faulty.renew("s")).toBe(1);
    expect(renewals(calls)).toBe(2);
    await faulty.getRun("r");
    expect(calls).toHaveLength(3);
    expect(faulty.url).toBe("test:");
  });

  test("drops replies after the call was executed, about as many as it was told to", async () => {
    const { calls, store } = countingStore();
    const faulty = faultyStore(store, { seed: 7, dropReplies: 0.3 });
    let dropped = 0;
    for (let n = 0; n < 1_000; n++) {
      await faulty.renew("s").catch((error: unknown) => {
        expect(error).toBeInstanceOf(ReplyDropped);
        dropped++;
      });
    }
    expect(renewals(calls)).toBe(1_000);
    expect(dropped).toBeGreaterThan(200);
    expect(dropped).toBeLessThan(400);
  });

  test("does the same again with the same seed", async () => {
    const outcomes = async () => {
      const faulty = faultyStore(countingStore().store, { seed: 3, dropReplies: 0.5, delay: true });
      const calls = Array.from({ length: 50 }, () =>
        faulty.renew("s").then(
          () => "kept",
          () => "dropped",
        ),
      );
      return (await Promise.all(calls)).join();
    };
    expect(await outcomes()).toBe(await outcomes());
  });

  test("lets calls overtake each other", async () => {
    const { calls, store } = countingStore();
    const faulty = faultyStore(store, { seed: 5, delay: true });
    await Promise.all(Array.from({ length: 30 }, (_, n) => faulty.renew(String(n))));
    const order = calls.map(([, argument]) => Number(argument));
    expect(order).not.toEqual([...order].sort((a, b) => a - b));
  });

  test("cuts expansions", async () => {
    const { calls, store } = countingStore();
    const items = Array.from({ length: 9 }, (_, n) => ({ value: String(n), entries: [] }));
    await faultyStore(store, { seed: 1, chunk: 3 }).expand({ items, from: 0 } as unknown as Expansion);
    expect(calls).toEqual([["expand", { items: items.slice(0, 3), from: 0 }]]);
  });
});

test("patientStore repeats calls whose reply got lost, and nothing else", async () => {
  const { calls, store } = countingStore();
  const patient = patientStore(faultyStore(store, { seed: 2, dropReplies: 0.5 }));
  for (let n = 0; n < 100; n++) await patient.renew("s");
  expect(renewals(calls)).toBeGreaterThan(140);
  const broken = { ...store, renew: async () => Promise.reject(new Error("really broken")) };
  await expect(patientStore(broken).renew("s")).rejects.toThrow("really broken");
});

test("mortalStore lets its caller die before or after a call, for good", async () => {
  for (const [moment, executed] of [
    ["before", 1],
    ["after", 2],
  ] as const) {
    const { calls, store } = countingStore();
    const mortal = mortalStore(store, 2, moment);
    await mortal.store.renew("s");
    await expect(mortal.store.renew("s")).rejects.toBeInstanceOf(CallerDied);
    await expect(mortal.store.renew("s")).rejects.toBeInstanceOf(CallerDied);
    expect(renewals(calls)).toBe(executed);
    expect(mortal.calls).toBe(3);
  }
});
