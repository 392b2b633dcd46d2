import type { TaskContext, TestContext } from "@jobbers/core";
import { createCommandContext } from "@jobbers/worker";

/**
 * Makes a context for a unit test of a `command()`: its `run` starts the program, in this process's environment, and what it tells can be
 * read back as from `testContext()`.
 *
 * @param overrides any part to replace, such as a `signal` that the test aborts
 * @example
 * const greet = command({ name: "greet", run: ["sh", "-c", "echo '\"hello\"'"] });
 * await greet.run({}, commandContext()); // "hello"
 */
export function commandContext<D = unknown>(overrides: Partial<TaskContext<D>> = {}): TestContext<D> {
  return createCommandContext({ environment: process.env }, overrides);
}
