import { createFakeClock } from "@jobbers/testing";
import { expect, test } from "vitest";

test("the clock stands still until it is moved, and fires timers in order, each at its own instant", () => {
  const clock = createFakeClock(1_000);
  const fired: [string, number][] = [];
  for (const [name, ms] of [
    ["b", 20],
    ["a", 10],
    ["c", 20],
    ["late", 500],
  ] as const) {
    clock.timer(ms, () => fired.push([name, clock.now()]));
  }
  expect(clock.now()).toBe(1_000);
  clock.advance(100);
  expect(fired).toEqual([
    ["a", 1_010],
    ["b", 1_020],
    ["c", 1_020],
  ]);
  expect([clock.now(), clock.pending]).toEqual([1_100, 1]);
});

test("a timer that a timer sets fires within the same advance", () => {
  const clock = createFakeClock(0);
  const fired: number[] = [];
  const tick = () => {
    fired.push(clock.now());
    if (fired.length < 3) clock.timer(10, tick);
  };
  clock.timer(10, tick);
  clock.advance(100);
  expect(fired).toEqual([10, 20, 30]);
});

test("waiting ends with the time or with the signal's reason, and leaves no timer behind", async () => {
  const clock = createFakeClock();
  const controller = new AbortController();
  const rung = clock.after(10, controller.signal);
  const aborted = clock.after(20, controller.signal);
  clock.advance(10);
  await rung;
  controller.abort(new Error("enough"));
  await expect(aborted).rejects.toThrow("enough");
  await expect(clock.after(1, controller.signal)).rejects.toThrow("enough");
  expect(clock.pending).toBe(0);
});

test("a jump goes to the next timer, and a timer can be taken away", () => {
  const clock = createFakeClock(0);
  const stop = clock.timer(5, () => {
    throw new Error("was taken away");
  });
  clock.timer(50, () => {});
  stop();
  expect([clock.jump(), clock.now(), clock.jump()]).toEqual([true, 50, false]);
});

test("the clock may be set back, as real ones are", () => {
  const clock = createFakeClock(1_000);
  clock.set(500);
  expect(clock.now()).toBe(500);
});
