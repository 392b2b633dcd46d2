import { defineCommand } from "../command.js";
import { doorFlags, withDoor } from "../door.js";
import { showTime, table } from "../table.js";

/** `jobbers dags`: what can be submitted by name. */
export const dags = defineCommand({
  name: "dags",
  description: "List the dags and tasks that workers have registered, and that can be submitted by name",
  args: { ...doorFlags },
  examples: ["jobbers dags", "jobbers dags --json | jq -r '.[].name'"],
  async run({ args, output }) {
    return withDoor(args, "look", async ({ client, where }) => {
      const found = await client.dags();
      output.printJson(found);
      if (found.length === 0) output.note(`no worker has registered a dag or task at ${where} yet`);
      else {
        const rows = found.map(({ name, kind, version, registeredAtMs }) => [
          name,
          kind,
          version.slice(0, 12),
          showTime(registeredAtMs),
        ]);
        output.print(
          table(["NAME", "KIND", "VERSION", "REGISTERED"], rows, {
            columns: output.columns,
            soft: ["NAME", "VERSION"],
          }),
        );
      }
      return 0;
    });
  },
});
