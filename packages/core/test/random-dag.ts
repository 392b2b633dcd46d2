import fc from "fast-check";
import { type AnyDag, dag, eq, type Ref, type RefTo, task } from "../src/index.js";

/** Programs that a build function interprets; every number picks, modulo their count, one of the refs in reach. */
export type Instruction =
  | { readonly do: "call"; readonly task: number; readonly uses: readonly number[]; readonly when: boolean }
  | {
      readonly do: "map";
      readonly over: number;
      readonly body: readonly Instruction[];
      readonly returns: "step" | "literal";
    }
  | { readonly do: "dag"; readonly uses: readonly number[]; readonly body: readonly Instruction[] };

const { program } = fc.letrec<{ program: readonly Instruction[]; instruction: Instruction }>((tie) => ({
  program: fc.array(tie("instruction"), { maxLength: 5, depthIdentifier: "program" }),
  instruction: fc.oneof(
    { depthIdentifier: "program", maxDepth: 3, withCrossShrink: true },
    fc.record({
      do: fc.constant("call"),
      task: fc.nat(3),
      uses: fc.array(fc.nat(20), { maxLength: 3 }),
      when: fc.boolean(),
    }),
    fc.record({
      do: fc.constant("map"),
      over: fc.nat(20),
      body: tie("program"),
      returns: fc.constantFrom("step", "literal"),
    }),
    fc.record({ do: fc.constant("dag"), uses: fc.array(fc.nat(20), { maxLength: 3 }), body: tie("program") }),
  ) as fc.Arbitrary<Instruction>,
}));

/** Programs of a few steps, nested up to three deep. */
export const programs: fc.Arbitrary<readonly Instruction[]> = program;

const tasks = ["add", "fetch", "map", "x.y-z_1"].map((name) =>
  task({ name, run: async () => [] as unknown }),
);

/** The task names that programs use. */
export const taskNames = tasks.map((each) => each.name);

/** Defines the dag that a program describes. */
export function defineProgram(program: readonly Instruction[], name = "random"): AnyDag {
  let inner = 0;
  return dag(name, {}, (input) => {
    const last = interpret(program, [input], () => `${name}-${++inner}`);
    return last ?? null;
  }) as unknown as AnyDag;
}

/** Calls what the instructions say; answers the last step that is certain to have an output. */
function interpret(
  program: readonly Instruction[],
  inReach: readonly RefTo<unknown>[],
  dagName: () => string,
) {
  const refs: RefTo<unknown>[] = [...inReach];
  let last: RefTo<unknown> | undefined;
  const pick = (at: number) => refs[at % refs.length] as Ref<unknown[]>;
  for (const instruction of program) {
    switch (instruction.do) {
      case "call": {
        const call = tasks[instruction.task] as unknown as (
          input: unknown,
          options: unknown,
        ) => RefTo<unknown>;
        const when = instruction.when ? eq(pick(0).length, 1) : undefined;
        const step = call({ list: instruction.uses.map(pick), literal: "x" }, { when });
        // What may be skipped is not returned, and nothing is built on it: a body could not return that either.
        if (when) break;
        last = step;
        refs.push(step);
        break;
      }
      case "map": {
        const { body, returns } = instruction;
        const map = pick(instruction.over).map((item, index) => {
          const returned = interpret(body, [...refs, item, index], dagName);
          return returns === "step" ? returned : [item, returned ?? null];
        });
        last = map;
        refs.push(map);
        break;
      }
      case "dag": {
        const site = defineProgram(instruction.body, dagName()) as unknown as (
          input: unknown,
        ) => RefTo<unknown>;
        last = site({ parts: instruction.uses.map(pick) });
        refs.push(last);
      }
    }
  }
  return last;
}
