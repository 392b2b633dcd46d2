import type { Figure } from "../scenario.js";

/** What the scenario is called at every store, and what it does. */
export const policyCost = {
  name: "a policy declared",
  what:
    "no-op tasks that declare retry, timeout, heartbeat and four hooks that do nothing, against the same without: in turns, one of each and then " +
    "the other way round; submitted before, one worker, concurrency 100",
};

/** Measures a plain task and one with a policy in turns, so that neither has the warmer machine. */
export async function comparePolicy(sides: {
  readonly plain: () => Promise<number>;
  readonly declared: () => Promise<number>;
}): Promise<Figure[]> {
  const first = await sides.plain();
  const declared = ((await sides.declared()) + (await sides.declared())) / 2;
  const plain = (first + (await sides.plain())) / 2;
  return [
    { name: "without", value: plain, unit: "steps/s" },
    { name: "declared", value: declared, unit: "steps/s" },
    { name: "throughput kept", value: (declared / plain) * 100, unit: "%", target: { atLeast: 85 } },
  ];
}
