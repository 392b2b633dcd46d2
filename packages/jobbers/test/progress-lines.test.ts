import type { StepProgress } from "@jobbers/runs";
import { describe, expect, it } from "vitest";
import { lineOf, rowsOf } from "../src/cli/progress-lines.js";
import { createRates } from "../src/cli/rates.js";

const step = (parts: Partial<StepProgress>): StepProgress => ({
  name: "fetch",
  kind: "task",
  depth: 0,
  total: 1,
  settled: 0,
  counts: {},
  ...parts,
});

describe("progress lines", () => {
  it("show name, share, failures and rate", () => {
    const [row] = rowsOf(
      [step({ depth: 1, total: 4000, settled: 1203, counts: { succeeded: 1201, failed: 2 } })],
      () => 310.2,
    );
    expect(lineOf(row as never, { labelWidth: 7 })).toBe("fetch[]  1,203/4,000  2 failed  310/s");
    const drawn = lineOf(row as never, { labelWidth: 7, columns: 80 });
    expect(drawn).toBe("fetch[]  ███████░░░░░░░░░░░░░░░░░  1,203/4,000    2 failed  310/s");
  });

  it("are as narrow as the terminal", () => {
    const [row] = rowsOf([step({ name: "n".repeat(100) })], () => undefined);
    expect(lineOf(row as never, { labelWidth: 40, columns: 30 }).length).toBeLessThan(30);
  });

  it("leave out what only holds others, and failure handlers that are not needed", () => {
    const rows = rowsOf(
      [
        step({ name: "fetch[]", kind: "map" }),
        step({ depth: 1, total: undefined }),
        step({ name: "~onFailure/tell" }),
        step({ name: "late", total: 0 }),
      ],
      () => undefined,
    );
    expect(rows.map((row) => lineOf(row, { labelWidth: 0 }))).toEqual(["fetch[]  0/?", "late  0/0"]);
  });
});

describe("rates", () => {
  it("count what settled within the window, and since the start", () => {
    const rates = createRates(1000);
    rates.sample(0, [["a", 0]]);
    rates.sample(500, [["a", 50]]);
    expect(rates.lately("a")).toBe(100);
    rates.sample(5000, [["a", 60]]);
    rates.sample(5500, [["a", 60]]);
    expect(rates.lately("a")).toBeUndefined();
    expect(rates.overall("a")).toBeCloseTo(60 / 5.5);
    expect(rates.lately("b")).toBeUndefined();
  });
});
