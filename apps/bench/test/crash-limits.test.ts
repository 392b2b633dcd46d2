import { describe, expect, it } from "vitest";
import { crash } from "./crashing.js";

// Both at a time: most of it is waiting for leases to end.
describe.concurrent("limits, while workers are killed and stopped", () => {
  it.each([
    ["Redis", ["--store", "redis:spawn"]],
    ["SQLite", []],
  ])(
    "stay exact on %s: of keys at once, of starts a second, and of a role",
    async (_, store) => {
      const { code, output, figures } = await crash(
        ...[
          "--limits",
          "--seed",
          "5",
          "--minutes",
          "0.05",
          "--lease",
          "800",
          "--every",
          "400",
          "--slots",
          "4",
        ],
        ...store,
      );
      expect(figures.violations, output).toEqual([]);
      expect(code, output).toBe(0);
    },
    90_000,
  );
});
