import { JobbersError, task } from "@jobbers/core";
import { describe, expect, it, vi } from "vitest";
import { createWorker, type Worker } from "../src/index.js";
import { around, gate, openStore, silent } from "./bench.js";

const noop = task({ name: "noop", run: async () => null });

describe("a worker's start rejects", () => {
  const starting = async (answer: () => Promise<unknown>, move: (worker: Worker) => void) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const asked = gate();
      const store = around(await openStore(), async (verb, call) => {
        if (verb !== "openSession") return call();
        asked.open();
        return answer();
      });
      const worker = createWorker({ store, workflows: [noop], log: silent });
      const error = worker.start().catch((thrown: unknown) => thrown);
      await asked.promise;
      move(worker);
      return (await error) as JobbersError;
    } finally {
      vi.useRealTimers();
    }
  };
  const hangs = () => new Promise(() => {});
  const waitLong = () => void vi.advanceTimersByTime(5_000);

  it("when the store hangs, saying what was asked and for how long", async () => {
    const error = await starting(hangs, waitLong);
    expect(error).toMatchObject({
      code: "store-busy",
      message: "memory: did not answer openSession within 5000 ms",
    });
  });

  it("when the store cannot, saying why", async () => {
    const cause = new JobbersError("store-unwritable", "the disk is full");
    const error = await starting(
      () => Promise.reject(cause),
      () => void vi.advanceTimersByTimeAsync(5_000),
    );
    expect(error).toMatchObject({ code: "store-unwritable", cause });
    expect(error.message).toBe("memory: did not answer openSession within 5000 ms: the disk is full");
  });

  it("when it is stopped meanwhile", async () => {
    const error = await starting(hangs, (worker) => void worker.stop());
    expect(error).toMatchObject({
      code: "store-busy",
      message: "memory: did not answer openSession before the worker was stopped",
    });
  });
});
