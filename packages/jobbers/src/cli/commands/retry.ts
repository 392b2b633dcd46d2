import { checkRunId } from "@jobbers/core";
import { defineCommand } from "../command.js";
import { doorFlags, withDoor } from "../door.js";

const sentences = {
  all: "goes on: what had not succeeded is tried again",
  retried: "goes on: that step runs again, then what depends on it",
  running: "goes on already; nothing was changed",
  succeeded: "has succeeded; there is nothing to try again",
} as const;

/** `jobbers retry`: starts a run that failed or was cancelled again. */
export const retry = defineCommand({
  name: "retry",
  description: "Start a run that has ended again, at the steps that did not succeed, or from one that did",
  args: {
    id: { type: "positional", description: "The run's ULID", required: true },
    from: {
      type: "string",
      valueHint: "STEP",
      description:
        "Of the failures only this one: fetch[3], or with a name of the plan all under it; or a step that succeeded, with all that depends on it; default: failed, that is all failures",
    },
    ...doorFlags,
  },
  examples: [
    "jobbers retry 01KADGN2Q7ZJ4M3V8XW5T9R6BC",
    "jobbers retry 01KADGN2Q7ZJ4M3V8XW5T9R6BC --from 'fetch[3]'",
    "jobbers retry 01KADGN2Q7ZJ4M3V8XW5T9R6BC --from report",
  ],
  async run({ args, output }) {
    const id = checkRunId(args.id);
    return withDoor(args, "look", async ({ client }) => {
      const status = await client.run(id).retry({ from: args.from });
      output.printJson({ id, status });
      output.print(
        `run ${id} ${status === "retried" && args.from === undefined ? sentences.all : sentences[status]}`,
      );
      return 0;
    });
  },
});
