import { type ClientRun, JobbersHttpError, type StepProgress, type StepRecord } from "@jobbers/client";
import { checkRunId, type StepState } from "@jobbers/core";
import { folded } from "../cause-lines.js";
import { defineCommand } from "../command.js";
import { doorFlags, withDoor } from "../door.js";
import { labelWidthOf, lineOf, rowsOf } from "../progress-lines.js";
import { attemptLines, beginningOf, headLines, placeLines } from "../run-lines.js";
import { runningLines } from "../running-lines.js";
import { spreadLines } from "../spread-lines.js";
import { clip } from "../table.js";

const MAX_FAILED = 20;

/** How many of the steps that run are shown. */
const MAX_RUNNING = 20;

/** Of how many failed steps the attempts are read. */
const MAX_DETAILED = 5;

/** `jobbers show`: where one run is, what it answered, and why it failed. */
export const show = defineCommand({
  name: "show",
  description: "Show one run: its state, its steps by name, what runs, its result, and what failed",
  args: {
    id: { type: "positional", description: "The run's ULID", required: true },
    ...doorFlags,
  },
  examples: [
    "jobbers show 01KADGN2Q7ZJ4M3V8XW5T9R6BC",
    "jobbers show 01KADGN2Q7ZJ4M3V8XW5T9R6BC --json | jq .state",
  ],
  async run({ args, output }) {
    const id = checkRunId(args.id);
    return withDoor(args, "look", async ({ client }) => {
      const run = client.run(id);
      const { input, inputPlace, steps, ...status } = await run.detail();
      const failed = await firstOf(run, "failed", MAX_FAILED);
      const running = status.state === "running" ? await firstOf(run, "running", MAX_RUNNING) : [];
      const attempts = await attemptsOf(run, failed);
      const result = status.state === "succeeded" && !status.purged ? await resultOf(run) : undefined;
      output.printJson({
        ...status,
        ...(input !== undefined && { input }),
        ...(inputPlace && { inputPlace }),
        ...(result && "output" in result && { output: result.output }),
        ...(result && "trouble" in result && { outputTrouble: result.trouble }),
        steps: steps.map(({ record: _record, ...step }) => step),
        running,
        failed: failed.map((step) => ({ ...step, attempts: attempts.get(step.address) })),
      });
      const { columns } = output;
      // Where there is a terminal: what went wrong is told in full, on as many lines as it takes.
      const cut = (line: string) => (columns === undefined ? line : clip(line, columns));
      const fold = (line: string) =>
        columns === undefined ? line : folded(line, columns, "", "      ").join("\n");
      const parts = [
        headLines(status).map(fold),
        progressOf(steps).map(cut),
        spreadsOf(steps).map(fold),
        runningOf(running).map(cut),
        failuresOf(failed, attempts).map(fold),
        placeLines(inputPlace, steps),
        result ? ["", "result", ...resultLines(result)] : [],
      ];
      output.print(parts.flat().join("\n"));
      return 0;
    });
  },
});

function progressOf(progress: readonly StepProgress[]): string[] {
  const rows = rowsOf(progress, () => undefined);
  const labelWidth = labelWidthOf(rows);
  return rows.length === 0 ? [] : ["", "steps", ...rows.map((row) => `  ${lineOf(row, { labelWidth })}`)];
}

function spreadsOf(progress: readonly StepProgress[]): string[] {
  const lines = spreadLines(progress).map((line) => `  ${line}`);
  return lines.length === 0 ? [] : ["", "spread over queues", ...lines];
}

function runningOf(running: readonly StepRecord[]): string[] {
  if (running.length === 0) return [];
  const lines = runningLines(running, Date.now()).map((line) => `  ${line}`);
  const more = running.length === MAX_RUNNING ? [`  … the first ${MAX_RUNNING}`] : [];
  return ["", "running steps", ...lines, ...more];
}

async function firstOf(run: ClientRun, state: StepState, most: number): Promise<StepRecord[]> {
  const found: StepRecord[] = [];
  for await (const step of run.steps({ states: [state] })) if (found.push(step) === most) break;
  return found;
}

type Attempts = Awaited<ReturnType<ClientRun["step"]>>["attempts"];

async function attemptsOf(run: ClientRun, failed: readonly StepRecord[]): Promise<Map<string, Attempts>> {
  const tasks = failed.filter(({ kind }) => kind === "task").slice(0, MAX_DETAILED);
  const read = tasks.map(async ({ address }) => [address, (await run.step(address)).attempts] as const);
  return new Map(await Promise.all(read));
}

/** What a run answered, or why that cannot be had. */
type Result = { readonly output: unknown } | { readonly trouble: string };

function resultLines(result: Result): string[] {
  return "output" in result ? beginningOf(result.output) : [`  cannot be shown: ${result.trouble}`];
}

/** The output of a run that succeeded; undefined where retention took it meanwhile. */
async function resultOf(run: ClientRun): Promise<Result | undefined> {
  try {
    return { output: await run.result() };
  } catch (error) {
    if (!(error instanceof JobbersHttpError)) throw error;
    if (error.code === "run-unknown") return undefined;
    if (error.code === "value-too-large" || error.code.startsWith("blob-")) return { trouble: error.message };
    throw error;
  }
}

function failuresOf(failed: readonly StepRecord[], attempts: ReadonlyMap<string, Attempts>): string[] {
  const tasks = failed.filter(({ kind }) => kind === "task");
  if (tasks.length === 0) return [];
  const lines = tasks.flatMap(({ address, reason, tries, lost, error }) => {
    const lostToo = lost > 0 ? `, ${lost} lost` : "";
    const head = `  ${address}  ${reason ?? "error"}, tries: ${tries}${lostToo}  ${messageIn(error)}`;
    return [head, ...attemptLines(attempts.get(address) ?? [])];
  });
  const more = failed.length === MAX_FAILED ? [`  … the first ${MAX_FAILED}`] : [];
  return ["", "failed steps", ...lines, ...more];
}

function messageIn(error: string | undefined): string {
  if (error === undefined) return "";
  const { name, message } = JSON.parse(error) as { name?: string; message?: string };
  return `${name ?? "Error"}: ${message ?? ""}`.split("\n")[0]?.slice(0, 300) ?? "";
}
