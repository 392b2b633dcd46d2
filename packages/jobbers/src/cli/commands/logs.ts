import { checkRunId, type LogLevel, logLevels, quoted } from "@jobbers/core";
import { defineCommand } from "../command.js";
import { doorFlags, withDoor } from "../door.js";
import { flagError } from "../flags.js";
import { createLogLines } from "../log-lines.js";
import { onEndSignals, signalExitCode } from "../signals.js";

/** `jobbers logs`: what the steps of a run have logged. */
export const logs = defineCommand({
  name: "logs",
  description: "Show what the steps of a run have logged",
  args: {
    id: { type: "positional", description: "The run's ULID", required: true },
    step: { type: "string", valueHint: "ADDRESS", description: "Only lines of this step, such as fetch[3]" },
    level: {
      type: "string",
      valueHint: "LEVEL",
      description: "Only lines at least so grave: debug, info, warn or error",
    },
    follow: { type: "boolean", description: "Go on with what comes, until the run has ended" },
    ...doorFlags,
    json: { type: "boolean", description: "For programs: one JSON object a line" },
  },
  examples: [
    "jobbers logs 01KADGN2Q7ZJ4M3V8XW5T9R6BC --follow",
    "jobbers logs 01KADGN2Q7ZJ4M3V8XW5T9R6BC --step 'fetch[3]' --level warn",
    "jobbers logs 01KADGN2Q7ZJ4M3V8XW5T9R6BC --json | jq -r .message",
  ],
  async run({ args, output }) {
    const id = checkRunId(args.id);
    const level = checkLevel(args.level);
    const leaving = new AbortController();
    const leave = (asked: NodeJS.Signals) => leaving.abort(asked);
    const stopListening = onEndSignals({ drain: leave, leave });
    const { step, follow } = args;
    const { signal } = leaving;
    try {
      return await withDoor(args, "look", async ({ client }) => {
        const show = createLogLines(level === undefined);
        for await (const line of client.run(id).logs({ step, level, follow, signal })) {
          output.printJson(line);
          for (const text of show(line)) output.print(text);
        }
        return 0;
      });
    } catch (error) {
      if (signal.aborted) return signalExitCode(signal.reason as NodeJS.Signals);
      throw error;
    } finally {
      stopListening();
    }
  },
});

function checkLevel(level: string | undefined): LogLevel | undefined {
  if (level === undefined || (logLevels as readonly string[]).includes(level))
    return level as LogLevel | undefined;
  throw flagError(`--level is ${quoted(level)}; it takes ${logLevels.join(", ")}`);
}
