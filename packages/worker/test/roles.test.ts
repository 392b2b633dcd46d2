import { task } from "@jobbers/core";
import { describe, expect, it } from "vitest";
import { createWorker } from "../src/index.js";
import { gate, openStore, result, silent, startWorker, submit, submitMany } from "./bench.js";

const names = ["one", "two", "three"] as const;
const inQueues = (run: (queue: string) => Promise<unknown>) =>
  names.map((queue) => task({ name: `in-${queue}`, queue, run: () => run(queue) }));

describe("a worker with a role", () => {
  it("refuses to start where there is no such role, and takes no queues beside it", async () => {
    const store = await openStore();
    const workflows = inQueues(async () => null);
    const worker = createWorker({ store, workflows, role: "crawler", log: silent });
    await expect(worker.start()).rejects.toMatchObject({ code: "role-unknown" });
    expect(worker.state).toBe("idle");
    expect(() => createWorker({ store, workflows, role: "crawler", queues: ["one"] })).toThrow(
      /leave queues out/,
    );
    expect(() => createWorker({ store, workflows, role: "r".repeat(200) })).toThrow(/role/);
  });

  it("follows an edit without a restart: it finishes what it has, and takes from the new queues", async () => {
    const store = await openStore();
    const held = gate();
    const ran: string[] = [];
    const workflows = inQueues(async (queue) => {
      ran.push(queue);
      if (queue === "one") await held.promise;
      return queue;
    });
    const [one, two] = workflows as [(typeof workflows)[number], (typeof workflows)[number]];
    await store.setRole("crawler", { queues: { one: 1 } }, "ada");
    const worker = await startWorker({ store, workflows, role: "crawler" });
    expect(await store.listWorkers()).toMatchObject([{ role: "crawler", queues: ["one"] }]);
    const [first, second] = [await submit(store, one), await submit(store, two)];
    await expect.poll(() => ran).toEqual(["one"]);
    await store.setRole("crawler", { queues: { two: 1 } }, "ada");
    expect(await result(store, second, two)).toBe("two");
    await expect.poll(() => store.listWorkers()).toMatchObject([{ role: "crawler", queues: ["two"] }]);
    expect(worker.stats()).toMatchObject({ role: "crawler", queues: ["two"], busy: 1 });
    held.open();
    expect(await result(store, first, one)).toBe("one");
    expect(ran).toEqual(["one", "two"]);
  });

  it("goes on with what it has when its role is deleted, and says so", async () => {
    const store = await openStore();
    const warned = gate();
    const workflows = inQueues(async (queue) => queue);
    await store.setRole("crawler", { queues: { one: 1 } }, "ada");
    const log = { ...silent, warn: (message: string) => void (/was deleted/.test(message) && warned.open()) };
    await startWorker({ store, workflows, role: "crawler", log });
    await store.deleteRole("crawler", "ada");
    await warned.promise;
    const [one] = workflows as [(typeof workflows)[number]];
    expect(await result(store, await submit(store, one), one)).toBe("one");
  });

  it.each([
    [{ one: 1, two: 1, three: 1 }, 1],
    [{ one: 6, two: 3, three: 1 }, 1],
    [{ one: 5, two: 2.5, three: 2.5 }, 7],
    [{ one: 1, two: 20, three: 9 }, 20],
  ])("shares what it takes by the weights %j, with %i slots", async (weights, concurrency) => {
    const store = await openStore();
    const ran: string[] = [];
    const workflows = inQueues(async (queue) => void ran.push(queue));
    const runs = await Promise.all(workflows.map((each) => submitMany(store, each, 100)));
    await store.setRole("crawler", { queues: weights }, "ada");
    await startWorker({ store, workflows, role: "crawler", concurrency });
    for (const [i, list] of runs.entries())
      for (const run of list) await result(store, run, workflows[i] as never);
    const sum = Object.values(weights).reduce((all, each) => all + each, 0);
    // As long as all of them have work.
    const early = ran.slice(0, 100);
    for (const [queue, weight] of Object.entries(weights)) {
      const share = early.filter((each) => each === queue).length / early.length;
      expect(Math.abs(share - weight / sum)).toBeLessThan(0.1);
    }
    expect(ran).toHaveLength(300);
  });
});
