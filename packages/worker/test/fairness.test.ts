import { dag, type FairKey, type Store, task } from "@jobbers/core";
import { describe, expect, it } from "vitest";
import { ended, openStore, result, schema, startWorker, submit } from "./bench.js";

interface Mail {
  readonly tenant: string;
}
const mail = schema<Mail>();

/** The keys that wait in a queue, once there are so many. */
async function keysIn(store: Store, queue: string, n: number): Promise<string[]> {
  for (let look = 0; look < 10_000; look++) {
    const keys = (await store.listTenants(queue)).map(({ key }) => key);
    if (keys.length >= n) return keys.sort();
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`there are no ${n} keys in ${queue}`);
}

describe("fairness", () => {
  it("asks each step's code whose turn it takes: its task's, or else its queue's", async () => {
    const store = await openStore();
    for (const queue of ["mail", "side"]) await store.setQueue(queue, { paused: true }, "test");
    // What the schema makes of an input is what the function takes.
    const lower = schema<Mail>((input) => ({
      tenant: String((input as unknown as Mail).tenant).toLowerCase(),
    }));
    const own = task({
      name: "own",
      queue: "mail",
      input: lower,
      fair: (i) => `own ${i.tenant}`,
      run: async () => 1,
    });
    const plain = task({ name: "plain", queue: "mail", input: mail, run: async () => 2 });
    const other = task({ name: "other", queue: "elsewhere", input: mail, run: async () => 3 });
    const all = dag("all", { input: mail }, (i) => {
      own(i);
      plain(i);
      other(i, { name: "moved", queue: "side" });
      return other(i);
    });
    const fairQueues = new Map<string, FairKey>([
      ["mail", (i: Mail) => `mail ${i.tenant}`],
      ["side", () => 42],
    ]);
    await startWorker({ store, workflows: [all, plain], fairQueues });
    const run = await submit(store, all, { tenant: "ACME" });
    expect(await keysIn(store, "mail", 2)).toEqual(["mail ACME", "own acme"]);
    expect(await keysIn(store, "side", 1)).toEqual(["42"]);
    for (const queue of ["mail", "side"]) await store.setQueue(queue, { paused: false }, "test");
    expect(await result(store, run, all)).toBe(3);
  });

  it.each([
    ["throws", () => new URL("no address").host, /task "post": its fair threw: .*Invalid URL/],
    [
      "answers no key",
      (i: Mail) => i as unknown as string,
      /its fair answered .*; it takes text or a number/,
    ],
  ])("fails the one step whose function %s, and says so", async (_, fair, message) => {
    const store = await openStore();
    const post = task({ name: "post", input: mail, retry: { attempts: 1 }, fair, run: async () => 1 });
    const other = task({ name: "other", run: async () => 1 });
    await startWorker({ store, workflows: [post, other] });
    const run = await submit(store, post, { tenant: "x" });
    expect(await ended(store, run)).toBe("failed");
    const step = await store.getStep(run, "post");
    expect(JSON.parse(step?.error ?? "null").message).toMatch(message);
    expect(await result(store, await submit(store, other), other)).toBe(1);
  });

  it("keeps of a long key its beginning and its hash", async () => {
    const store = await openStore();
    await store.setQueue("default", { paused: true, weights: { ["k".repeat(300)]: 7 } }, "test");
    const post = task({ name: "post", input: mail, fair: (i) => i.tenant, run: async () => 1 });
    await startWorker({ store, workflows: [post] });
    await submit(store, post, { tenant: "k".repeat(300) });
    const [key] = await keysIn(store, "default", 1);
    expect(key).toMatch(/^k{16}~[0-9a-f]{32}$/);
    expect(await store.listTenants("default")).toMatchObject([{ weight: 7 }]);
  });
});
