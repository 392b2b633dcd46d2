import { expect, test } from "vitest";
import { BLOCKED_LAG_MS, type LivenessFacts, livenessOf } from "../src/index.js";

const START_MS = 1_000_000;
const NOW_MS = START_MS + 60_000;
const step = { state: "running", phase: "run", startedAtMs: START_MS, progress: undefined } as const;
const worker = { expiresAtMs: NOW_MS + 10_000, lagMs: 0, heardAtMs: NOW_MS - 1_000 };
const usual = { count: 100, p50Ms: 100, p95Ms: 59_000 };
const look = (facts: Partial<LivenessFacts>) => livenessOf({ step, worker, ...facts }, NOW_MS);

test("a step that does not run has no liveness", () => {
  for (const state of ["ready", "waiting", "succeeded", "expanding"] as const)
    expect(look({ step: { ...step, state } })).toBeUndefined();
});

test("the worst that is known counts", () => {
  expect(look({})).toBe("running");
  expect(look({ usual })).toBe("slow");
  expect(look({ usual, heartbeatMs: 10_000 })).toBe("frozen");
  const blocked = { ...worker, lagMs: BLOCKED_LAG_MS + 1 };
  expect(look({ usual, heartbeatMs: 10_000, worker: blocked })).toBe("blocked-loop");
  expect(look({ worker: { ...blocked, expiresAtMs: NOW_MS - 1 } })).toBe("lost");
  expect(look({ worker: undefined })).toBe("lost");
});

test("it is slow beyond what is usual, where enough is known of that", () => {
  expect(look({ usual: { ...usual, p95Ms: 61_000 } })).toBe("running");
  expect(look({ usual: { ...usual, count: 19 } })).toBe("running");
});

test("silence counts from the last heartbeat to when the worker was heard last", () => {
  const heard = (agoMs: number) => ({ ...step, progress: { sinceMs: 0, heardAtMs: NOW_MS - agoMs } });
  expect(look({ heartbeatMs: 10_000, step: heard(10_900) })).toBe("running");
  expect(look({ heartbeatMs: 10_000, step: heard(11_100) })).toBe("frozen");
  // A worker that has told nothing yet proves no silence.
  expect(look({ heartbeatMs: 10, worker: { expiresAtMs: NOW_MS } })).toBe("running");
});

test("control work is as alive as its worker", () => {
  expect(look({ step: { ...step, phase: "expand" }, usual, heartbeatMs: 1 })).toBe("running");
});
