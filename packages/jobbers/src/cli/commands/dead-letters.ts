import type { DeadLetter, DeadLetterDetail, DeadLetterFilter, JobbersClient } from "@jobbers/client";
import { checkName, checkRunId, quoted } from "@jobbers/core";
import { defineCommand } from "../command.js";
import { confirm } from "../confirm.js";
import { doorFlags, withDoor } from "../door.js";
import { flagError, moment, oneOf, wholeNumber } from "../flags.js";
import { readInput } from "../input.js";
import type { Output } from "../output.js";
import { attemptLines, beginningOf } from "../run-lines.js";
import { showTime, table } from "../table.js";

const actions = ["list", "show", "redrive", "purge"] as const;

const reasons = [
  "error",
  "timeout",
  "frozen",
  "quarantined",
  "expired",
  "invalid-input",
  "invalid-output",
] as const;

const args = {
  action: { type: "positional", description: "list, show, redrive or purge", required: true },
  run: { type: "positional", description: "The run of one dead letter", required: false },
  step: { type: "positional", description: "Its step, as in fetch[3]", required: false },
  workflow: { type: "string", valueHint: "NAME", description: "Only of runs of this dag or task" },
  task: { type: "string", valueHint: "NAME", description: "Only of steps of this task" },
  queue: { type: "string", valueHint: "NAME", description: "Only of steps in this queue" },
  reason: { type: "string", valueHint: "REASON", description: `Only for this reason: ${reasons.join(", ")}` },
  after: { type: "string", valueHint: "TIME", description: "Only those that died then or later" },
  before: { type: "string", valueHint: "TIME", description: "Only those that died before then" },
  limit: { type: "string", valueHint: "N", description: "list: at most so many; default 20" },
  input: {
    type: "string",
    valueHint: "JSON",
    description: "redrive, of one: another input for the step, as JSON text or @PATH",
  },
  yes: { type: "boolean", description: "redrive and purge, of many: do not ask" },
  ...doorFlags,
} as const;

interface Given {
  readonly action: string;
  readonly run?: string | undefined;
  readonly step?: string | undefined;
  readonly workflow?: string | undefined;
  readonly task?: string | undefined;
  readonly queue?: string | undefined;
  readonly reason?: string | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly limit?: string | undefined;
  readonly input?: string | undefined;
  readonly yes?: boolean | undefined;
}

/** `jobbers dead-letters`: steps that failed for good. */
export const deadLetters = defineCommand({
  name: "dead-letters",
  description: "List steps that failed for good, show one, have them run again, or forget them",
  args,
  examples: [
    "jobbers dead-letters list --task fetch-page",
    "jobbers dead-letters show 01KADGN2Q7ZJ4M3V8XW5T9R6BC 'fetch[3]'",
    "jobbers dead-letters redrive 01KADGN2Q7ZJ4M3V8XW5T9R6BC 'fetch[3]' --input '{\"url\": \"https://example.org\"}'",
    "jobbers dead-letters redrive --task fetch-page --reason timeout --yes",
    "jobbers dead-letters purge --before 2026-11-01",
  ],
  async run({ args, output }) {
    const given: Given = args;
    const action = oneOf(given.action, "ACTION", actions);
    const one = oneLetterOf(given, action);
    const filter = one ? {} : filterOf(given);
    const limit = wholeNumber(given.limit ?? "20", "--limit");
    const input = given.input === undefined ? undefined : readInput(given.input);
    return withDoor(args, "look", async ({ client, where }) => {
      if (action === "list") return list(client, filter, limit, output, where);
      if (one && action === "show") return show(client, one, output);
      if (one && action === "redrive") return redriveOne(client, one, input, output);
      if (one) return purgeOne(client, one, output);
      return many(client, action as "redrive" | "purge", filter, given, output);
    });
  },
});

interface One {
  readonly run: string;
  readonly step: string;
}

/** The one letter that is named, where one is; what is given has to make sense together. */
function oneLetterOf(given: Given, action: (typeof actions)[number]): One | undefined {
  const { run, step, input } = given;
  const filters = ["workflow", "task", "queue", "reason", "after", "before"] as const;
  const filter = filters.find((name) => given[name] !== undefined);
  if (action === "list" && run !== undefined)
    throw flagError("list takes no run; it takes filters, as in --task");
  if (action === "show" && step === undefined)
    throw flagError("show takes a run and a step, as a list has them");
  if (run !== undefined && step === undefined)
    throw flagError(
      `of run ${quoted(run)} no step is named; to redrive all that failed in it, use jobbers retry`,
    );
  if (run !== undefined && filter !== undefined)
    throw flagError(`--${filter} is for many dead letters; one is named by its run and its step`);
  if (input !== undefined && (action !== "redrive" || run === undefined))
    throw flagError("--input goes with the redrive of one dead letter, named by its run and its step");
  return run !== undefined && step !== undefined ? { run: checkRunId(run), step } : undefined;
}

function filterOf({ workflow, task, queue, reason, after, before }: Given): DeadLetterFilter {
  const nameOf = (value: string | undefined, flag: string) =>
    value === undefined ? undefined : checkName(value, flag);
  return {
    workflow: nameOf(workflow, "--workflow"),
    task: nameOf(task, "--task"),
    queue: nameOf(queue, "--queue"),
    reason: reason === undefined ? undefined : oneOf(reason, "--reason", reasons),
    after: after === undefined ? undefined : moment(after, "--after"),
    before: before === undefined ? undefined : moment(before, "--before"),
  };
}

async function list(
  client: JobbersClient,
  filter: DeadLetterFilter,
  limit: number,
  output: Output,
  where: string,
): Promise<number> {
  const found: DeadLetter[] = [];
  for await (const letter of client.deadLetters.list(filter)) if (found.push(letter) === limit) break;
  output.printJson(found);
  if (found.length === 0) {
    output.note(`there are no such dead letters at ${where}`);
    return 0;
  }
  output.print(table(["RUN", "STEP", "TASK", "REASON", "TRIES", "DIED", "ERROR"], found.map(rowOf)));
  const counts = await client.deadLetters.count();
  output.note(`in all: ${counts.map(({ task, letters }) => `${task} ${letters}`).join(", ")}`);
  return 0;
}

function rowOf({ run, step, task, reason, tries, lost, diedAtMs, error }: DeadLetter): string[] {
  const spent = lost > 0 ? `${tries} (${lost} lost)` : String(tries);
  return [run, step, task, reason, spent, showTime(diedAtMs), messageOf(error).slice(0, 60)];
}

function messageOf(error: DeadLetter["error"]): string {
  return error === undefined ? "" : (`${error.name}: ${error.message}`.split("\n")[0] ?? "");
}

async function show(client: JobbersClient, { run, step }: One, output: Output): Promise<number> {
  const letter = await client.deadLetters.get(run, step);
  if (!letter) {
    output.printJson(null);
    output.note(`there is no dead letter of step ${quoted(step)} of run ${run}`);
    return 2;
  }
  output.printJson(letter);
  output.print(linesOf(letter).join("\n"));
  return 0;
}

function linesOf(letter: DeadLetterDetail): string[] {
  const { run, step, workflow, version, task, queue, reason, tries, lost, diedAtMs, edited, input } = letter;
  // None where there was only one: what is said above is all of it.
  const attempts = attemptLines(letter.attempts);
  const lostToo = lost > 0 ? `, ${lost} lost` : "";
  return [
    `step ${step} of run ${run} (${workflow}, version ${version.slice(0, 12)})`,
    `task ${task} in queue ${queue}`,
    `died ${showTime(diedAtMs)}: ${reason}, tries: ${tries}${lostToo}`,
    `  ${messageOf(letter.error)}`,
    ...(attempts.length > 0 ? ["", "attempts", ...attempts] : []),
    ...(input === undefined ? [] : ["", edited ? "input (edited)" : "input", ...beginningOf(input)]),
  ];
}

const sentences = {
  retried: "runs again, then what depends on it",
  running: "was left alone: its run has not ended; redrive it when it has, or see whether it goes on already",
  succeeded: "was left alone: its run has succeeded all the same",
} as const;

async function redriveOne(
  client: JobbersClient,
  { run, step }: One,
  input: unknown,
  output: Output,
): Promise<number> {
  const status = await client.deadLetters.redrive({ run, step }, { input });
  output.printJson({ run, step, status });
  output.print(`step ${step} of run ${run} ${sentences[status]}`);
  return 0;
}

async function purgeOne(client: JobbersClient, { run, step }: One, output: Output): Promise<number> {
  await client.deadLetters.purge({ run, step });
  output.printJson({ run, step, status: "purged" });
  output.print(`the dead letter of step ${step} of run ${run} is gone`);
  return 0;
}

async function many(
  client: JobbersClient,
  action: "redrive" | "purge",
  filter: DeadLetterFilter,
  { yes = false }: Given,
  output: Output,
): Promise<number> {
  const asked = Object.values(filter).every((each) => each === undefined)
    ? "all dead letters"
    : "all that fit";
  if (!yes && !(await confirm(`${action} ${asked}?`))) {
    output.note("nothing was changed");
    return 2;
  }
  if (action === "redrive") {
    const { runs } = await client.deadLetters.redriveAll(filter);
    output.printJson({ runs });
    output.print(`${runs} ${runs === 1 ? "run goes" : "runs go"} on`);
  } else {
    const { letters } = await client.deadLetters.purgeAll(filter);
    output.printJson({ letters });
    output.print(`${letters} dead ${letters === 1 ? "letter is" : "letters are"} gone`);
  }
  return 0;
}
