import { JobbersError, type SubmitOptions } from "@jobbers/core";
import { describe, expect, it } from "vitest";
import { checkSubmitOptions } from "../src/submit-options.js";

const HOUR_MS = 3_600_000;
const claimOf = (options: SubmitOptions) => checkSubmitOptions(options).claim;

describe("the options that have a run hold a key", () => {
  it("are claims, with their defaults", () => {
    const idempotency = {
      scope: "idempotency",
      key: "k",
      until: "time",
      holdMs: 24 * HOUR_MS,
      ifHeld: "same",
    };
    expect(claimOf({ idempotencyKey: "k" })).toEqual(idempotency);
    expect(claimOf({ idempotencyKey: { key: "k", mode: "return-existing" } })).toEqual(idempotency);
    expect(claimOf({ idempotencyKey: { key: "k", ttl: "1h", mode: "reject" } })).toEqual({
      ...idempotency,
      ...{ holdMs: HOUR_MS, ifHeld: "reject" },
    });
    expect(claimOf({ singleton: true })).toEqual({
      scope: "singleton",
      key: "",
      until: "end",
      ifHeld: "existing",
    });
    expect(claimOf({ singleton: { key: "k", mode: "replace-waiting" } })).toEqual({
      ...{ scope: "singleton", key: "k", until: "end", ifHeld: "replace" },
    });
    expect(claimOf({ throttle: { per: 1_000 } })).toEqual({
      ...{ scope: "throttle", key: "", until: "time", holdMs: 1_000, ifHeld: "existing" },
    });
    expect(checkSubmitOptions({ debounce: { key: "k", wait: "5s", max: "1m" } })).toEqual({
      delayMs: 5_000,
      claim: { scope: "debounce", key: "k", until: "begin", ifHeld: "replace", maxMs: 60_000 },
    });
    expect(claimOf({})).toBeUndefined();
    expect(claimOf({ idempotencyKey: "x".repeat(512) })?.key).toHaveLength(512);
  });

  it.each<[string, object]>([
    ['idempotencyKey is ""; a key is a text of 1 to 512 characters', { idempotencyKey: "" }],
    ["idempotencyKey is 1; it takes a text, or an object with key", { idempotencyKey: 1 }],
    ["idempotencyKey is null", { idempotencyKey: null }],
    ["idempotencyKey.key is missing", { idempotencyKey: {} }],
    ["idempotencyKey.key is 1", { idempotencyKey: { key: 1 } }],
    ["a key is a text of 1 to 512 characters", { idempotencyKey: "x".repeat(513) }],
    ["has neither U+0000 nor half a character", { idempotencyKey: "a\0" }],
    ["has neither U+0000 nor half a character", { singleton: { key: "\ud800" } }],
    ["idempotencyKey.ttl is 0; it has to be longer than 0", { idempotencyKey: { key: "k", ttl: 0 } }],
    [
      'idempotencyKey.ttl is "-1s"; a duration cannot be negative',
      { idempotencyKey: { key: "k", ttl: "-1s" } },
    ],
    ["a duration is at most 10 years", { idempotencyKey: { key: "k", ttl: "3651d" } }],
    [
      'idempotencyKey.mode is "replace"; it takes "return-existing", "reject"',
      { idempotencyKey: { key: "k", mode: "replace" } },
    ],
    ['idempotencyKey.mode is "constructor"', { idempotencyKey: { key: "k", mode: "constructor" } }],
    [
      "idempotencyKey.tll is no part of idempotencyKey; there are key, ttl, mode",
      { idempotencyKey: { key: "k", tll: 1 } },
    ],
    ["singleton is false; it takes true, or an object", { singleton: false }],
    ["idempotencyKey and singleton exclude each other", { singleton: true, idempotencyKey: null }],
    ["debounce and throttle exclude each other", { debounce: { wait: 1 }, throttle: { per: 1 } }],
    ["debounce.wait is missing; it takes a duration", { debounce: {} }],
    ["debounce.wait is 0; it has to be longer than 0", { debounce: { wait: 0 } }],
    ["debounce.max is 1, which is shorter than wait", { debounce: { wait: 2, max: 1 } }],
    ["debounce and delay exclude each other", { debounce: { wait: 2 }, delay: 1 }],
    ["debounce and runAt exclude each other", { debounce: { wait: 2 }, runAt: 1 }],
    [
      "deadline is 5, which is over before the delay of 10 ms has passed",
      { debounce: { wait: 10 }, deadline: 5 },
    ],
    ["throttle.per is missing", { throttle: {} }],
    ['throttle is "1h"; it takes an object with per', { throttle: "1h" }],
    ['throttle.per is "often"; a duration is', { throttle: { per: "often" } }],
    ['"idempotencykey" is no option of submit', { idempotencykey: "k" }],
  ])("%s", (message, options) => {
    const found = errorOf(options);
    expect(found).toMatchObject({ code: "flag-invalid" });
    expect(found?.message).toContain(message);
  });

  it.each<[string, object]>([
    ["delay", { delay: -1 }],
    ["delay", { delay: "9999999d" }],
    ["keep", { keep: -5 }],
    ["keep", { keep: Number.POSITIVE_INFINITY }],
    ["deadline", { deadline: "-1s" }],
    ["deadline", { deadline: Number.NaN }],
    ["runAt", { runAt: -1 }],
    ["runAt", { runAt: new Date(Number.NaN) }],
    ["runAt", { runAt: "2026-01-01" }],
  ])("absurd times are refused, naming the field: %s", (field, options) => {
    expect(errorOf(options)).toMatchObject({
      code: "flag-invalid",
      message: expect.stringMatching(`^${field} `),
    });
  });
});

function errorOf(options: object): JobbersError | undefined {
  try {
    checkSubmitOptions(options as SubmitOptions);
    return undefined;
  } catch (error) {
    if (error instanceof JobbersError) return error;
    throw error;
  }
}
