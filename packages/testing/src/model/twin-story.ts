import type { Plan, PlanStep } from "@jobbers/core";
import fc from "fast-check";
import { chain, diamond, single, watched } from "../sample-plans.js";
import { randomPlans } from "./random-plans.js";

/** How a step is reported. */
export interface Telling {
  readonly at: number;
  readonly how: "succeed" | "fail" | "retry" | "release";
  readonly output: string;
}

/** One thing that happens, to both twins. */
export type Act =
  | {
      readonly do: "submit";
      readonly plans: readonly Plan[];
      readonly priority: number;
      readonly extras: boolean;
    }
  | { readonly do: "resubmit" | "cancel" | "retry"; readonly at: number }
  | { readonly do: "rerun"; readonly at: number; readonly which: number }
  | {
      readonly do: "work";
      readonly worker: number;
      readonly tells: readonly Telling[];
      readonly slots: number;
      readonly inline: boolean;
    }
  | { readonly do: "control"; readonly worker: number; readonly most: number }
  | { readonly do: "late"; readonly tell: Telling }
  | { readonly do: "lose" | "close" | "replay"; readonly worker: number }
  | { readonly do: "beat"; readonly worker: number; readonly at: number; readonly says: string }
  | { readonly do: "release"; readonly worker: number; readonly at: number }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "purge"; readonly count: number };

export const TASKS = ["t", "u"] as const;
export const QUEUES = ["default", "other"] as const;
const PRIORITIES = [undefined, undefined, 2, 7] as const;

/** A plan whose tasks stand in several queues, with several priorities, and are served by different workers. */
const plans: fc.Arbitrary<Plan> = fc
  .tuple(
    fc.oneof(
      { weight: 2, arbitrary: randomPlans },
      {
        weight: 4,
        arbitrary: fc
          .constantFrom(
            single,
            single,
            diamond,
            () => diamond("continue"),
            () => chain(2),
            () => chain(4),
            watched,
          )
          .map((make) => make()),
      },
    ),
    fc.array(fc.nat({ max: 15 }), { minLength: 1, maxLength: 4 }),
  )
  .map(([plan, salts]) => ({
    ...plan,
    steps: plan.steps.map((step, i) => spread(step, salts[i % salts.length] as number)),
  }));

function spread(step: PlanStep, salt: number): PlanStep {
  if (step.kind !== "task") return step;
  const priority = PRIORITIES[salt >> 2];
  return {
    ...step,
    task: TASKS[salt % 5 === 4 ? 1 : 0],
    queue: QUEUES[salt % 3 === 2 ? 1 : 0],
    ...(priority !== undefined && { priority }),
  };
}

/** Texts at the limits of what stands in a packed run, and with characters that it is written with. */
const outputs = fc.constantFrom(
  "null",
  '{"n":1.0, "z":"é😀\u0001\u0000\n"}',
  ...["\u001b", "\u001c", "\u001d", "\u001e", "\u001f"].map((odd) => `"${odd}"`),
  '"\ud800"',
  ",;|%2C",
  "",
  ...[63, 64, 65, 1_023, 1_024, 1_025].map((length) => "y".repeat(length)),
  "é".repeat(1_024),
);

const small = fc.nat({ max: 7 });
const telling = fc.record({
  at: small,
  how: fc.constantFrom<Telling["how"]>(
    "succeed",
    "succeed",
    "succeed",
    "succeed",
    "fail",
    "retry",
    "release",
  ),
  output: outputs,
});
const act = <T extends object>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const doing = <K extends string>(what: K) => fc.constant(what);

/** What happens, one after the other. */
export const stories = (length: number): fc.Arbitrary<Act[]> =>
  fc.array(
    fc.oneof(
      act(
        3,
        fc.record({
          do: doing("submit"),
          plans: fc.array(plans, { minLength: 1, maxLength: 3 }),
          priority: fc.constantFrom(5, 5, 9),
          extras: fc.boolean(),
        }),
      ),
      act(1, fc.record({ do: fc.constantFrom("resubmit" as const, "cancel" as const), at: small })),
      act(2, fc.record({ do: doing("retry"), at: small })),
      act(2, fc.record({ do: doing("rerun"), at: small, which: small })),
      act(
        8,
        fc.record({
          do: doing("work"),
          worker: small,
          tells: fc.array(telling, { maxLength: 4 }),
          slots: small,
          inline: fc.boolean(),
        }),
      ),
      act(3, fc.record({ do: doing("control"), worker: small, most: small })),
      act(1, fc.record({ do: doing("late"), tell: telling })),
      act(
        1,
        fc.record({
          do: fc.constantFrom("lose" as const, "close" as const, "replay" as const),
          worker: small,
        }),
      ),
      act(
        2,
        fc.record({
          ...{ do: doing("beat"), worker: small, at: small },
          says: fc.constantFrom("", "here", "é,|\u001e"),
        }),
      ),
      act(1, fc.record({ do: doing("release"), worker: small, at: small })),
      act(1, fc.record({ do: doing("pass"), ms: fc.constantFrom(1, 1_500, 60_000, 90_000_000) })),
      act(1, fc.record({ do: doing("purge"), count: fc.constantFrom(0, 1) })),
    ),
    { minLength: 5, maxLength: length, size: "max" },
  );
