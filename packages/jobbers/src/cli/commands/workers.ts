import { defineCommand } from "../command.js";
import { doorFlags, withDoor } from "../door.js";
import { count } from "../progress-lines.js";
import { clip, showDuration, showTime, table } from "../table.js";

/** `jobbers workers`: who executes steps. */
export const workers = defineCommand({
  name: "workers",
  description: "List the workers: what they serve, how busy they are, and how late",
  args: { ...doorFlags },
  examples: ["jobbers workers", "jobbers workers --json | jq '.[] | select(.held == 0) | .name'"],
  async run({ args, output }) {
    return withDoor(args, "look", async ({ client, where }) => {
      const found = await client.workers();
      output.printJson(found);
      if (found.length === 0) output.note(`there is no worker at ${where}; jobbers worker starts one`);
      else {
        const rows = found.map(
          ({ name, host, pid, held, running, waiting, slots, lagMs, queues, ...times }) => [
            name,
            // A lost one is listed until its steps are taken back.
            (times.expiresAtMs ?? Number.POSITIVE_INFINITY) > Date.now() ? "live" : "lost",
            `${clip(host.split(/[\s:]/)[0] as string, 20)}:${pid}`,
            count(held),
            slots === undefined ? "-" : `${running ?? 0}/${slots}${waiting ? ` +${count(waiting)}` : ""}`,
            lagMs === undefined ? "-" : showDuration(lagMs),
            clip(queues.join(","), 20),
            showTime(times.openedAtMs),
          ],
        );
        output.print(
          table(["NAME", "STATE", "HOST:PID", "STEPS", "SLOTS", "LAG", "QUEUES", "SINCE"], rows, {
            columns: output.columns,
            soft: ["NAME", "HOST:PID", "QUEUES"],
          }),
        );
      }
      return 0;
    });
  },
});
