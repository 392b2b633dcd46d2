import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { Actor } from "../src/index.js";

/** Ticks until told otherwise; knows how many of its ticks are under way. */
class Probe extends Actor {
  protected readonly name = "probe";
  ticks = 0;
  most = 0;
  #under = 0;
  constructor(
    private readonly work: () => Promise<number>,
    log?: ConstructorParameters<typeof Actor>[0]["log"],
  ) {
    super({ random: () => 0, log });
  }
  get under() {
    return this.#under;
  }
  protected async tick() {
    this.ticks += 1;
    this.#under += 1;
    this.most = Math.max(this.most, this.#under);
    try {
      return await this.work();
    } finally {
      this.#under -= 1;
    }
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("an actor", () => {
  it("ticks at once, again when woken, and not after its stop", async () => {
    const actor = new Probe(async () => 60_000);
    await actor.start();
    await turn();
    expect(actor.ticks).toBe(1);
    actor.wake();
    await turn();
    expect(actor.ticks).toBe(2);
    await actor.stop();
    actor.wake();
    await turn();
    expect(actor.ticks).toBe(2);
  });

  it("waits with its stop for the tick under way", async () => {
    let end = () => {};
    const actor = new Probe(() => new Promise((resolve) => (end = () => resolve(1))));
    await actor.start();
    await turn();
    let stopped = false;
    const stop = actor.stop().then(() => {
      stopped = true;
    });
    await turn();
    expect(stopped).toBe(false);
    end();
    await stop;
    expect(actor.under).toBe(0);
  });

  it("survives errors, telling each kind once", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const warn = vi.fn();
      let message = "away";
      const actor = new Probe(() => Promise.reject(new Error(message)), {
        ...{ debug: () => {}, info: () => {}, error: () => {} },
        warn,
      });
      await actor.start();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(actor.ticks).toBeGreaterThan(3);
      expect(actor.ticks).toBeLessThan(10);
      expect(warn).toHaveBeenCalledTimes(1);
      message = "broken";
      await vi.advanceTimersByTimeAsync(100_000);
      expect(warn).toHaveBeenCalledTimes(2);
      await actor.stop();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("leaves no timer and no loop, however starts and stops are interleaved", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const moves = fc.array(fc.constantFrom("start", "stop", "wake", "turn", "time"), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(moves, fc.constantFrom(0, 1, 60_000), async (list, pauseMs) => {
        const actor = new Probe(async () => {
          await turn();
          return pauseMs;
        });
        const under: Promise<void>[] = [];
        for (const move of list) {
          if (move === "turn") await turn();
          else if (move === "wake") actor.wake();
          else if (move === "time") vi.advanceTimersByTime(1);
          else under.push(actor[move]());
        }
        const last = list.filter((move) => move === "start" || move === "stop").at(-1);
        if (last === "start") {
          actor.wake();
          for (let i = 0; i < 200 && actor.ticks === 0; i++) await turn();
          expect(actor.ticks).toBeGreaterThan(0);
        }
        await Promise.all(under);
        await actor.stop();
        const { ticks } = actor;
        await turn();
        expect(actor.ticks).toBe(ticks);
        expect(actor.under).toBe(0);
        expect(actor.most).toBeLessThanOrEqual(1);
        expect(vi.getTimerCount()).toBe(0);
      }),
      { numRuns: 1000 },
    );
    vi.useRealTimers();
  });
});
