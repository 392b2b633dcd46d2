import { describe, expect, it } from "vitest";
import { type Served, sharesOf, tagAfter, virtualAfter } from "../src/limits/tenant-turns.js";

/** Numbers from 0 up to 1, the same each time. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

interface Tenant {
  readonly weight: number;
  tag: number;
  had: number;
}

/** Gives out slots among tenants that all have enough to run; answers the virtual time. */
function serve(tenants: readonly Tenant[], slots: number, time: number): number {
  const order = tenants
    .map((tenant) => ({ tenant, start: Math.max(tenant.tag, time), weight: tenant.weight }))
    .sort((a, b) => a.start - b.start || a.tenant.tag - b.tenant.tag);
  const shares = sharesOf(order, slots);
  let left = slots;
  const served = order.map(({ tenant, start, weight }, i): Served => {
    const taken = Math.min(shares[i] as number, left);
    left -= taken;
    const given = { start, weight, taken, isOpen: true };
    tenant.had += taken;
    if (taken > 0) tenant.tag = tagAfter(given);
    return given;
  });
  expect(left).toBe(0);
  return virtualAfter(time, served, tenants.length);
}

describe("turns of tenants", () => {
  it("gives out slots by weight", () => {
    const contenders = [3, 2, 1].map((weight) => ({ start: 0, weight }));
    expect(sharesOf(contenders, 60)).toEqual([30, 20, 10]);
    expect(sharesOf(contenders, 1)).toEqual([1, 1, 1]);
  });

  it("gives those who start later what is left of the time", () => {
    expect(
      sharesOf(
        [
          { start: 0, weight: 1 },
          { start: 4, weight: 1 },
        ],
        10,
      ),
    ).toEqual([7, 3]);
    expect(
      sharesOf(
        [
          { start: 0, weight: 1 },
          { start: 40, weight: 1 },
        ],
        10,
      ),
    ).toEqual([10, 0]);
  });

  it("gives nothing that starts after somebody who was not looked at", () => {
    expect(
      sharesOf(
        [
          { start: 0, weight: 1 },
          { start: 4, weight: 1 },
        ],
        10,
        2,
      ),
    ).toEqual([2, 0]);
  });

  it("puts the virtual time on to the last start, but past nobody who waits", () => {
    const served = [
      { start: 10, weight: 1, taken: 5, isOpen: false },
      { start: 10, weight: 1, taken: 0, isOpen: true },
    ];
    expect(virtualAfter(0, served.slice(0, 1), 1)).toBe(14);
    expect(virtualAfter(0, served, 2)).toBe(10);
  });

  it("holds weights between all who wait, over any stretch and whatever is asked for at once", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const next = numbers(seed);
      const tenants = Array.from({ length: 2 + Math.floor(next() * 8) }, () => ({
        ...{ weight: 1 + Math.floor(next() * 20), tag: 0, had: 0 },
      }));
      const most = next() < 0.5 ? 1 : 30;
      for (let round = 0, time = 0; round < 200; round++) {
        time = serve(tenants, 1 + Math.floor(next() * most), time);
        for (const one of tenants)
          for (const other of tenants) {
            // With one slot at a time, 1 is the law's own bound.
            const apart = (most === 1 ? 1 : 4) * (1 / one.weight + 1 / other.weight) + 1e-6;
            if (one.had / one.weight - other.had / other.weight > apart)
              expect({ seed, round, one, other }).toBe("fair");
          }
      }
    }
  });
});
