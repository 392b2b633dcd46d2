import { defineCommand } from "../command.js";
import { doorFlags, withDoor } from "../door.js";
import { count } from "../progress-lines.js";
import { table } from "../table.js";

/** `jobbers queues`: how much waits where. */
export const queues = defineCommand({
  name: "queues",
  description: "List the queues: how many steps are ready in each, and how many run",
  args: { ...doorFlags },
  examples: ["jobbers queues", "jobbers queues --json | jq 'map(.ready) | add'"],
  async run({ args, output }) {
    return withDoor(args, "look", async ({ client, where }) => {
      const found = await client.queues();
      output.printJson(found);
      if (found.length === 0) output.note(`there is no queue at ${where} yet`);
      else {
        const rows = found.map(({ name, ready, running }) => [name, count(ready), count(running)]);
        output.print(table(["QUEUE", "READY", "RUNNING"], rows));
      }
      return 0;
    });
  },
});
