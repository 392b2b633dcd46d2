import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aheadAfter, levelCost, type Share, turnsOf } from "../src/index.js";

const serve = (shares: readonly Share[], taken: readonly number[]): Share[] => {
  const ahead = aheadAfter(shares, taken);
  return shares.map(({ cost }, i) => ({ cost, ahead: ahead[i] as number }));
};

const costs = fc.array(fc.integer({ min: 1, max: 512 }), { minLength: 1, maxLength: 6 });

describe("shares of turns", () => {
  it("come out the same, one at a time or many at once", () => {
    fc.assert(
      fc.property(costs, fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 8 }), (all, batches) => {
        const fresh = all.map((cost) => ({ cost, ahead: 0 }));
        let [atOnce, oneByOne] = [fresh, fresh] as [readonly Share[], readonly Share[]];
        for (const n of batches) {
          const taken = turnsOf(atOnce, n);
          const counts = all.map(() => 0);
          for (let i = 0; i < n; i++) {
            const one = turnsOf(oneByOne, 1);
            oneByOne = serve(oneByOne, one);
            for (const [at, got] of one.entries()) counts[at] = (counts[at] as number) + got;
          }
          expect(counts).toEqual(taken);
          atOnce = serve(atOnce, taken);
          expect(oneByOne).toEqual(atOnce);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("are in proportion to the weights, within one turn of each", () => {
    fc.assert(
      fc.property(costs, fc.integer({ min: 1, max: 500 }), (all, n) => {
        const paid = turnsOf(
          all.map((cost) => ({ cost, ahead: 0 })),
          n,
        ).map((turns, i) => turns * (all[i] as number));
        for (const [i, one] of paid.entries())
          for (const [j, other] of paid.entries())
            expect(one - other).toBeLessThanOrEqual((all[i] as number) + (all[j] as number));
      }),
      { numRuns: 60 },
    );
  });

  it("are lost while there is nothing to do, and never owed for longer than one turn", () => {
    const [high, low] = [levelCost(9), levelCost(0)] as [number, number];
    // The low one had a turn and is ahead; while it has nothing to do, that wears off and turns into no claim.
    let shares = serve(
      [high, low].map((cost) => ({ cost, ahead: 0 })),
      [1, 1],
    );
    expect(shares[1]?.ahead).toBe(512);
    shares = serve(shares, [2_000, 0]);
    expect(shares.map(({ ahead }) => ahead)).toEqual([1, 0]);
    expect(turnsOf(shares, 3)).toEqual([2, 1]);
  });
});
