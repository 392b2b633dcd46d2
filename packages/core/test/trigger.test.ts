import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isStoppable, judge, judgeBody, type ParentCounts, type Trigger } from "../src/index.js";

const triggers: Trigger[] = ["all_success", "none_failed", "one_failed", "all_done"];
const source = readFileSync(new URL("../src/plan/trigger.ts", import.meta.url), "utf8");

/** The rows of the table in the comment: rule, and its cell for each of the three columns. */
const table = [...source.matchAll(/^ \* \| `(\w+)` +\| (.+?) +\| (.+?) +\| (.+?) +\|$/gm)].map(
  ([, rule, broken, skipped, succeeded]) => ({ rule: rule as Trigger, broken, skipped, succeeded }),
);

function read(cell: string | undefined, counts: ParentCounts): string | undefined {
  if (cell === "run if one failed, else skip") return counts.failed > 0 ? "run" : "skip";
  return cell;
}

function fromTable(trigger: Trigger, counts: ParentCounts): string | undefined {
  const row = table.find(({ rule }) => rule === trigger);
  if (counts.failed + counts.cancelled > 0) return read(row?.broken, counts);
  return read(counts.skipped > 0 ? row?.skipped : row?.succeeded, counts);
}

const count = fc.oneof(fc.constant(0), fc.nat(10_000));
const counts = fc.record({ succeeded: count, failed: count, skipped: count, cancelled: count });

describe("judge", () => {
  it("has a row in its comment for each rule", () => {
    expect(table.map(({ rule }) => rule)).toEqual(triggers);
  });

  it("does what the table in its comment says, for any counts", () => {
    fc.assert(
      fc.property(fc.constantFrom(...triggers), counts, (trigger, parents) => {
        expect(judge(trigger, parents)).toBe(fromTable(trigger, parents));
        expect(["run", "skip", "cancel"]).toContain(judge(trigger, parents));
      }),
      { numRuns: 1000 },
    );
  });

  it("asks only whether there are any of an outcome, never how many", () => {
    const sign = (parents: ParentCounts): ParentCounts => ({
      succeeded: Math.min(1, parents.succeeded),
      failed: Math.min(1, parents.failed),
      skipped: Math.min(1, parents.skipped),
      cancelled: Math.min(1, parents.cancelled),
    });
    fc.assert(
      fc.property(fc.constantFrom(...triggers), counts, (trigger, parents) => {
        expect(judge(trigger, parents)).toBe(judge(trigger, sign(parents)));
      }),
    );
  });

  it("lets an entry step run, unless it is a catch", () => {
    const none = { succeeded: 0, failed: 0, skipped: 0, cancelled: 0 };
    expect(triggers.map((trigger) => judge(trigger, none))).toEqual(["run", "run", "skip", "run"]);
  });
});

describe("the rest of the trigger rules", () => {
  it("stops neither catch nor finally", () => {
    expect(triggers.filter(isStoppable)).toEqual(["all_success", "none_failed"]);
  });

  it("judges a body by its worst member", () => {
    expect(judgeBody({ failed: 0, stopped: 0 })).toBe("succeeded");
    expect(judgeBody({ failed: 0, stopped: 2 })).toBe("cancelled");
    expect(judgeBody({ failed: 1, stopped: 2 })).toBe("failed");
  });
});
