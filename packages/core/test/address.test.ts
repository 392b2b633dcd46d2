import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressOf, indexPlan, type PlanStep, parseAddress, valueKey } from "../src/index.js";
import { dagStep, mapStep, planOf, randomPlan, taskStep } from "./random-plan.js";

describe("addresses", () => {
  const plan = planOf([
    taskStep("fetch"),
    mapStep("add[][]"),
    mapStep("add[]", { in: "add[][]" }),
    taskStep("add", { in: "add[]" }),
    mapStep("site[]"),
    dagStep("site", { in: "site[]" }),
    mapStep("site/fetch[]", { in: "site" }),
    taskStep("site/fetch", { in: "site/fetch[]" }),
    taskStep("site/sum~2", { in: "site" }),
  ]);
  const index = indexPlan(plan);

  it.each([
    ["fetch", [], "fetch"],
    ["add[][]", [], "add[][]"],
    ["add[]", [2], "add[2][]"],
    ["add", [2, 5], "add[2][5]"],
    ["site[]", [], "site[]"],
    ["site", [4], "site[4]"],
    ["site/fetch[]", [4], "site[4]/fetch[]"],
    ["site/fetch", [4, 3], "site[4]/fetch[3]"],
    ["site/sum~2", [4], "site[4]/sum~2"],
  ])("%s at %j is %s", (name, indices, address) => {
    expect(addressOf(index, index.step(name), indices)).toBe(address);
    expect(parseAddress(address)).toEqual({ name, indices });
  });

  it("lead back to step and indices, in any plan", () => {
    const placed = randomPlan.chain((any) => {
      const all = indexPlan(any);
      const indices = (step: PlanStep) => {
        const depth = all.maps(step).length;
        return fc.array(fc.nat(1_000_000), { minLength: depth, maxLength: depth });
      };
      return fc
        .constantFrom(...any.steps)
        .chain((step) => fc.tuple(fc.constant(all), fc.constant(step), indices(step)));
    });
    fc.assert(
      fc.property(placed, ([all, step, indices]) => {
        const address = addressOf(all, step, indices);
        expect(parseAddress(address)).toEqual({ name: step.name, indices });
        expect(address).not.toContain(":");
      }),
      { numRuns: 500 },
    );
  });

  it("are different for different steps and indices", () => {
    fc.assert(
      fc.property(randomPlan, (any) => {
        const all = indexPlan(any);
        const addresses = any.steps.flatMap((step) => {
          const depth = all.maps(step).length;
          const places = depth === 0 ? [[]] : [0, 1, 11].map((i) => new Array<number>(depth).fill(i));
          return places.map((indices) => addressOf(all, step, indices));
        });
        expect(new Set(addresses).size).toBe(addresses.length);
      }),
    );
  });

  it("never meet the keys of other values", () => {
    expect(valueKey.input("")).toBe(":input");
    expect(valueKey.item("fetch[]", 3)).toBe("fetch[]:3");
    expect(valueKey.failure("site[4]")).toBe("site[4]:failure");
  });
});
