import { checkRunId } from "@jobbers/core";
import { explanationLines } from "../cause-lines.js";
import { defineCommand } from "../command.js";
import { doorFlags, withDoor } from "../door.js";

/** How wide texts are folded where there is no terminal. */
const WIDTH = 80;

/** `jobbers explain`: why a run, or one step of it, is not further. */
export const explain = defineCommand({
  name: "explain",
  description: "Say why a run, or one step of it, is not further",
  args: {
    id: { type: "positional", description: "The run's ULID", required: true },
    step: { type: "positional", description: "The address of a step, such as fetch[3]", required: false },
    ...doorFlags,
  },
  examples: [
    "jobbers explain 01KADGN2Q7ZJ4M3V8XW5T9R6BC",
    "jobbers explain 01KADGN2Q7ZJ4M3V8XW5T9R6BC 'fetch[3]'",
    "jobbers explain 01KADGN2Q7ZJ4M3V8XW5T9R6BC --json | jq -r .sentence",
  ],
  async run({ args, output }) {
    const id = checkRunId(args.id);
    return withDoor(args, "look", async ({ client }) => {
      const told = await client.run(id).explain(args.step);
      output.printJson(told);
      output.print(explanationLines(told, output.columns ?? WIDTH).join("\n"));
      return 0;
    });
  },
});
