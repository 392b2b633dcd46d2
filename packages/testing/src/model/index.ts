import fc from "fast-check";
import type { OpenStore } from "../contract/bench.js";
import { createFakeClock } from "../fake-clock.js";
import { anyCommand, finishAll } from "./commands.js";
import { storySettings } from "./story-settings.js";
import { createReal } from "./world.js";

/** How much the model test does. */
export interface ModelOptions {
  /** How many stories are tried; default 100. */
  readonly runs?: number | undefined;
  /** How many commands a story has at most; default 60. */
  readonly commands?: number | undefined;
  /** Repeats what failed: both are in the message of a failure. */
  readonly seed?: number | undefined;
  readonly path?: string | undefined;
}

/**
 * Compares a store with a small model of the state machine, over random plans and random stories: submits, takes, reports, late
 * ones, lost sessions, cancels, timers, half-done control work. Rejects with the shortest story that it finds to differ.
 *
 * @example
 * test("the store does what the model does", () => modelTest(open, { runs: 200 }), 60_000);
 */
export async function modelTest(open: OpenStore, options: ModelOptions = {}): Promise<void> {
  const { commands = 60 } = options;
  const stories = fc.commands([...anyCommand], { maxCommands: commands, size: "+1" });
  const property = fc.asyncProperty(stories, async (story) => {
    const clock = createFakeClock();
    const store = await open({ clock });
    try {
      const real = await createReal(store, clock);
      const model = { runs: new Map() };
      await fc.asyncModelRun(() => ({ model, real }), story);
      await finishAll(model, real);
    } finally {
      await store.close();
    }
  });
  await fc.assert(property, storySettings(options));
}
