import { checkRunId, type StepRecord } from "@jobbers/core";
import type { Run, RunStatus, StepProgress } from "@jobbers/runs";
import { defineCommand, sharedFlags } from "../command.js";
import { labelWidthOf, lineOf, rowsOf } from "../progress-lines.js";
import { withExistingStore } from "../store.js";
import { showDuration, showTime } from "../table.js";

const MAX_FAILED = 20;

/** `jobbers show`: where one run is, and why it failed. */
export const show = defineCommand({
  name: "show",
  description: "Show one run: its state, its steps by name, and what failed",
  args: {
    id: { type: "positional", description: "The run's ULID", required: true },
    ...sharedFlags,
  },
  examples: [
    "jobbers show 01KADGN2Q7ZJ4M3V8XW5T9R6BC",
    "jobbers show 01KADGN2Q7ZJ4M3V8XW5T9R6BC --json | jq .state",
  ],
  async run({ args, output }) {
    const id = checkRunId(args.id);
    return withExistingStore(args.store, async (jobbers) => {
      const run = jobbers.run(id);
      const status = await run.status();
      const progress = status.purged ? [] : await run.progress();
      const failed = await firstFailed(run);
      output.printJson({ ...status, steps: progress, failed });
      output.print([...headOf(status), ...progressOf(progress), ...failuresOf(failed)].join("\n"));
      return 0;
    });
  },
});

function headOf(status: RunStatus): string[] {
  const { startedAtMs, endedAtMs, failure } = status;
  const state = status.cancelling && status.state === "running" ? "running, being cancelled" : status.state;
  const took =
    startedAtMs !== undefined && endedAtMs !== undefined
      ? `, took ${showDuration(endedAtMs - startedAtMs)}`
      : "";
  return [
    `${status.kind} ${status.name}  ${status.id}`,
    `  state      ${state}${status.purged ? " (nothing but this is kept)" : ""}`,
    `  submitted  ${showTime(status.createdAtMs)}`,
    `  started    ${showTime(startedAtMs)}`,
    `  ended      ${showTime(endedAtMs)}${took}`,
    `  priority   ${status.priority}`,
    ...(status.tags.length > 0 ? [`  tags       ${status.tags.join(", ")}`] : []),
    ...(failure
      ? [
          `  failure    ${failure.step || "before the first step"}: ${failure.error.name}: ${failure.error.message}`,
        ]
      : []),
  ];
}

function progressOf(progress: readonly StepProgress[]): string[] {
  const rows = rowsOf(progress, () => undefined);
  const labelWidth = labelWidthOf(rows);
  return rows.length === 0 ? [] : ["", "steps", ...rows.map((row) => `  ${lineOf(row, { labelWidth })}`)];
}

async function firstFailed(run: Run): Promise<StepRecord[]> {
  const found: StepRecord[] = [];
  for await (const step of run.steps({ states: ["failed"] })) if (found.push(step) === MAX_FAILED) break;
  return found;
}

function failuresOf(failed: readonly StepRecord[]): string[] {
  const tasks = failed.filter(({ kind }) => kind === "task");
  if (tasks.length === 0) return [];
  const lines = tasks.map(({ address, reason, tries, lost, error }) => {
    const lostToo = lost > 0 ? `, ${lost} lost` : "";
    return `  ${address}  ${reason ?? "error"}, tries: ${tries}${lostToo}  ${messageIn(error)}`;
  });
  const more = failed.length === MAX_FAILED ? [`  … the first ${MAX_FAILED}`] : [];
  return ["", "failed steps", ...lines, ...more];
}

function messageIn(error: string | undefined): string {
  if (error === undefined) return "";
  const { name, message } = JSON.parse(error) as { name?: string; message?: string };
  return `${name ?? "Error"}: ${message ?? ""}`.split("\n")[0]?.slice(0, 300) ?? "";
}
