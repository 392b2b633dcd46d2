import type { RunRecord } from "@jobbers/core";
import { statusOf } from "@jobbers/runs";
import { defineCommand, sharedFlags } from "../command.js";
import { oneOf, wholeNumber } from "../flags.js";
import { withExistingStore } from "../store.js";
import { showDuration, showTime, table } from "../table.js";

const states = ["scheduled", "running", "succeeded", "failed", "cancelled"] as const;
const PAGE = 500;

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
    limit: { type: "string", valueHint: "N", description: "At most so many; default 20" },
    ...sharedFlags,
  },
  examples: [
    "jobbers runs",
    "jobbers runs --state failed --name crawl --limit 100",
    "jobbers runs --json | jq '.[].id'",
  ],
  async run({ args, output }) {
    const state = args.state === undefined ? undefined : oneOf(args.state, "--state", states);
    const limit = wholeNumber(args.limit ?? "20", "--limit");
    return withExistingStore(args.store, async ({ store }) => {
      const found: RunRecord[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.listRuns({
          state,
          name: args.name,
          limit: Math.min(PAGE, limit - found.length),
          cursor,
        });
        found.push(...page.runs);
        cursor = page.next;
      } while (cursor !== undefined && found.length < limit);
      output.printJson(found.map(statusOf));
      if (found.length === 0) output.note(`there are no such runs at ${store.url}`);
      else output.print(table(["ID", "NAME", "STATE", "SUBMITTED", "TOOK"], found.map(rowOf)));
      return 0;
    });
  },
});

function rowOf({ id, name, state, cancelling, createdAtMs, startedAtMs, endedAtMs }: RunRecord): string[] {
  const took =
    startedAtMs !== undefined && endedAtMs !== undefined ? showDuration(endedAtMs - startedAtMs) : "-";
  return [id, name, cancelling && state === "running" ? "cancelling" : state, showTime(createdAtMs), took];
}
