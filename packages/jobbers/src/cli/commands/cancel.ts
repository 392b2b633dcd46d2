import { checkRunId } from "@jobbers/core";
import { defineCommand } from "../command.js";
import { doorFlags, withDoor } from "../door.js";

const sentences = {
  cancelled: "is cancelled",
  cancelling: "is being cancelled: it ends when what runs of it has ended",
  ended: "had ended before; nothing was changed",
} as const;

/** `jobbers cancel`: asks a run to end. */
export const cancel = defineCommand({
  name: "cancel",
  description: "Ask a run to end: nothing of it is started any more",
  args: {
    id: { type: "positional", description: "The run's ULID", required: true },
    ...doorFlags,
  },
  examples: ["jobbers cancel 01KADGN2Q7ZJ4M3V8XW5T9R6BC"],
  async run({ args, output }) {
    const id = checkRunId(args.id);
    return withDoor(args, "look", async ({ client }) => {
      const status = await client.run(id).cancel();
      output.printJson({ id, status });
      output.print(`run ${id} ${sentences[status]}`);
      return 0;
    });
  },
});
