import { describe, expect, it } from "vitest";
import { type AskedKeys, keyOptionsOf } from "../src/cli/key-flags.js";

describe("the flags of keys", () => {
  it.each<[AskedKeys, object]>([
    [{}, {}],
    [{ singleton: false }, {}],
    [{ "idempotency-key": "k" }, { idempotencyKey: { key: "k" } }],
    [
      { "idempotency-key": "k", "key-ttl": "1h", "key-mode": "reject" },
      { idempotencyKey: { key: "k", ttl: 3_600_000, mode: "reject" } },
    ],
    [{ singleton: true }, { singleton: {} }],
    [
      { singleton: true, key: "k", "key-mode": "replace-waiting" },
      { singleton: { key: "k", mode: "replace-waiting" } },
    ],
    [
      { debounce: "5s", "debounce-max": "1m", key: "k" },
      { debounce: { key: "k", wait: 5_000, max: 60_000 } },
    ],
    [{ throttle: "1h" }, { throttle: { per: 3_600_000 } }],
  ])("%j", (asked, options) => {
    expect(keyOptionsOf(asked)).toEqual(options);
  });

  it.each<[AskedKeys, string]>([
    [{ singleton: true, throttle: "1s" }, "--singleton and --throttle exclude each other"],
    [{ key: "k" }, "--key goes with --singleton, --debounce, --throttle"],
    [{ "idempotency-key": "k", key: "k" }, "--key goes with"],
    [{ "key-ttl": "1h", singleton: true }, "--key-ttl goes with --idempotency-key"],
    [{ "debounce-max": "1h", throttle: "1h" }, "--debounce-max goes with --debounce"],
    [{ "key-mode": "reject", throttle: "1h" }, "--key-mode goes with --idempotency-key, --singleton"],
    [{ "key-mode": "often", singleton: true }, '--key-mode is "often"; it takes return-existing, reject'],
    [{ debounce: "soon" }, '--debounce is "soon"; a duration is'],
    [{ "idempotency-key": "k", "key-ttl": "-1s" }, "--key-ttl is"],
  ])("%j is refused", (asked, message) => {
    expect(() => keyOptionsOf(asked)).toThrow(message);
    expect(() => keyOptionsOf(asked)).toThrow(expect.objectContaining({ code: "flag-invalid" }));
  });
});
