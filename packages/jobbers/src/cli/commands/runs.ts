import { type JobbersClient, JobbersHttpError, type RunStatus } from "@jobbers/client";
import { checkName } from "@jobbers/core";
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
    const name = args.name === undefined ? undefined : checkName(args.name, "--name");
    return withDoor(args, "look", async ({ client, where }) => {
      const found: RunStatus[] = [];
      const filter = { state, tag: args.tag, after, before, pageSize: Math.min(PAGE, limit) };
      const named = name === undefined ? {} : await filterOf(client, name);
      for await (const run of named ? client.runs({ ...filter, ...named }) : [])
        if (found.push(run) === limit) break;
      output.printJson(found);
      if (found.length === 0) output.note(`there are no such runs at ${where}`);
      else {
        const fit = { columns: output.columns, soft: ["NAME"] };
        output.print(table(["ID", "NAME", "STATE", "SUBMITTED", "TOOK"], found.map(rowOf), fit));
      }
      return 0;
    });
  },
});

/** The API lists runs of a dag or of a task; which of them a name is, the registrations say. */
async function filterOf(client: JobbersClient, name: string) {
  try {
    return (await client.dag(name)).kind === "dag" ? { dag: name } : { task: name };
  } catch (error) {
    if (error instanceof JobbersHttpError && error.code === "workflow-unknown") return undefined;
    throw error;
  }
}

function rowOf({ id, name, state, cancelling, createdAtMs, startedAtMs, endedAtMs }: RunStatus): string[] {
  const took =
    startedAtMs !== undefined && endedAtMs !== undefined ? showDuration(endedAtMs - startedAtMs) : "-";
  return [id, name, cancelling && state === "running" ? "cancelling" : state, showTime(createdAtMs), took];
}
