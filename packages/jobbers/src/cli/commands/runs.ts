import type { RunStatus } from "@jobbers/client";
import { defineCommand } from "../command.js";
import { doorFlags, withDoor } from "../door.js";
import { moment, oneOf, wholeNumber } from "../flags.js";
import { showDuration, showTime, table } from "../table.js";

const states = ["scheduled", "running", "succeeded", "failed", "cancelled"] as const;
const PAGE = 200;

/** `jobbers runs`: lists runs, newest first. */
export const runs = defineCommand({
  name: "runs",
  description: "List runs, newest first",
  args: {
    state: {
      type: "string",
      valueHint: "STATE",
      description: `Only runs in this state: ${states.join(", ")}`,
    },
    name: { type: "string", valueHint: "NAME", description: "Only runs of the dag or task with this name" },
    tag: { type: "string", valueHint: "TEXT", description: "Only runs with this label" },
    after: {
      type: "string",
      valueHint: "TIME",
      description: "Only runs that were submitted at this moment or later: 2026-11-21T16:00:00Z",
    },
    before: { type: "string", valueHint: "TIME", description: "Only runs that were submitted before it" },
    limit: { type: "string", valueHint: "N", description: "At most so many; default 20" },
    ...doorFlags,
  },
  examples: [
    "jobbers runs",
    "jobbers runs --state failed --name crawl --after 2026-11-21 --limit 100",
    "jobbers runs --json | jq '.[].id'",
  ],
  async run({ args, output }) {
    const state = args.state === undefined ? undefined : oneOf(args.state, "--state", states);
    const limit = wholeNumber(args.limit ?? "20", "--limit");
    const after = args.after === undefined ? undefined : moment(args.after, "--after");
    const before = args.before === undefined ? undefined : moment(args.before, "--before");
    return withDoor(args, "look", async ({ client, where }) => {
      const found: RunStatus[] = [];
      const filter = { state, tag: args.tag, after, before, pageSize: Math.min(PAGE, limit) };
      for await (const run of client.runs({ ...filter, ...namedIn(args.name) }))
        if (found.push(run) === limit) break;
      output.printJson(found);
      if (found.length === 0) output.note(`there are no such runs at ${where}`);
      else output.print(table(["ID", "NAME", "STATE", "SUBMITTED", "TOOK"], found.map(rowOf)));
      return 0;
    });
  },
});

function namedIn(name: string | undefined) {
  return name === undefined ? {} : { dag: name };
}

function rowOf({ id, name, state, cancelling, createdAtMs, startedAtMs, endedAtMs }: RunStatus): string[] {
  const took =
    startedAtMs !== undefined && endedAtMs !== undefined ? showDuration(endedAtMs - startedAtMs) : "-";
  return [id, name, cancelling && state === "running" ? "cancelling" : state, showTime(createdAtMs), took];
}
