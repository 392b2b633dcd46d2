import { type ClientRun, RunFailed } from "@jobbers/client";
import { checkRunId, errorCatalogue } from "@jobbers/core";
import { defineCommand } from "../command.js";
import { doorFlags, withDoor } from "../door.js";
import type { Output } from "../output.js";
import { awaitEnd, isOutcome, type RunEnd, tellLeft } from "../run-end.js";
import { showDuration } from "../table.js";
import { startWatchView } from "../watch-view.js";

/** `jobbers watch`: the live tree of one run. */
export const watch = defineCommand({
  name: "watch",
  description: "Watch a run until it ends: the tree of its steps, live",
  args: {
    id: { type: "positional", description: "The run's ULID", required: true },
    ...doorFlags,
    json: {
      type: "boolean",
      description: "For programs: one JSON object a line for each event, the last one is how the run ended",
    },
  },
  examples: [
    "jobbers watch 01KADGN2Q7ZJ4M3V8XW5T9R6BC",
    "jobbers watch 01KADGN2Q7ZJ4M3V8XW5T9R6BC --json | jq -r .type",
  ],
  async run({ args, output }) {
    const id = checkRunId(args.id);
    return withDoor(args, "look", async ({ client }) => {
      const run = client.run(id);
      await run.status();
      const end = await watchEnd(run, output);
      if (typeof end === "number") return end;
      if (end.state === "left") return tellLeft(run, output);
      const { startedAtMs, endedAtMs } = await run.status();
      const took =
        startedAtMs !== undefined && endedAtMs !== undefined
          ? ` in ${showDuration(endedAtMs - startedAtMs)}`
          : "";
      output.note(`run ${id} succeeded${took}; jobbers show ${id} tells its result`);
      output.printJson({ id, ...end });
      return 0;
    });
  },
});

/** Waits for the end; under `--json` how the run ended is a line like the others, and the exit code says it too. */
async function watchEnd(run: ClientRun, output: Output): Promise<RunEnd | number> {
  if (!output.json) return awaitEnd(run, output, () => startWatchView(run, output));
  try {
    return await awaitEnd(run, output, () => startEventLines(run, output));
  } catch (error) {
    if (!isOutcome(error)) throw error;
    const failure =
      error instanceof RunFailed
        ? { failure: { step: error.step, error: error.error, attempts: error.attempts } }
        : {};
    output.note(error.message);
    output.printJson({ id: run.id, state: error instanceof RunFailed ? "failed" : "cancelled", ...failure });
    return errorCatalogue[error.code].exit;
  }
}

/** Writes each event as a line for programs. */
function startEventLines(run: ClientRun, output: Output) {
  const stopping = new AbortController();
  const lines = (async () => {
    for await (const event of run.events({ signal: stopping.signal })) output.printJson(event);
  })().catch(() => undefined);
  return {
    async stop() {
      // The last event may still be on its way when the result is there.
      const timer = setTimeout(() => stopping.abort(), LAST_EVENT_MS);
      await lines;
      clearTimeout(timer);
    },
  };
}

const LAST_EVENT_MS = 1_000;
