import { MAX_VALUE_BYTES, RUN_PROGRAM, type TaskContext, type TestContext, testContext } from "@jobbers/core";
import { Watchdog } from "../trees/watchdog.js";
import type { Environment } from "./environment.js";
import { createRunProgram } from "./program.js";

/** What a context that runs programs needs to know. */
export interface CommandSurroundings {
  readonly environment: Environment;
}

/** Makes a test's context in which a command's `run` starts its program. */
export function createCommandContext<D = unknown>(
  { environment }: CommandSurroundings,
  overrides: Partial<TaskContext<D>> = {},
): TestContext<D> {
  const context = testContext(overrides);
  const closing = new AbortController().signal;
  const run: ReturnType<typeof createRunProgram> = async (spec, input, ctx) => {
    const watchdog = new Watchdog(ctx.log);
    try {
      return await createRunProgram({ environment, watchdog, closing, maxOutputBytes: MAX_VALUE_BYTES })(
        spec,
        input,
        ctx,
      );
    } finally {
      watchdog.close();
    }
  };
  return Object.assign(context, { [RUN_PROGRAM]: run });
}
