import type { DetailedStep, RunStatus, StepProgress } from "@jobbers/client";
import { quoted, showBytes } from "@jobbers/core";
import { jsonText } from "./clean-text.js";
import { clip, showDuration, showTime } from "./table.js";

/** How much of a result is shown to people. */
const MAX_LINES = 20;
const MAX_WIDTH = 200;

/** A run's record, a line for each fact. */
export function headLines(status: RunStatus): string[] {
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
    ...(status.key ? [`  key        ${keyLine(status.key)}`] : []),
    ...(status.replacedBy ? [`  replaced   by ${status.replacedBy}`] : []),
    ...(failure ? [`  failure    ${failureLine(failure)}`] : []),
  ];
}

/** What a run's key is, and until when it holds that. */
function keyLine({ scope, key, untilMs }: NonNullable<RunStatus["key"]>): string {
  const what = key === "" ? scope : `${scope} ${quoted(key)}`;
  return untilMs === undefined ? what : `${what}, until ${showTime(untilMs)}`;
}

/** What failed first, in a line; a dag's input may have been refused before any step. */
export function failureLine({ step, error }: NonNullable<RunStatus["failure"]>): string {
  return `${step || "before the first step"}: ${error.name}: ${error.message}`;
}

/** The tries of a failed step, oldest first; a single one says nothing that its step has not said. */
export function attemptLines(attempts: DetailedStep["attempts"]): string[] {
  if (attempts.length < 2) return [];
  return attempts.map(({ reason, worker, startedAtMs, endedAtMs, error }, i) => {
    const took = showDuration(Math.max(0, endedAtMs - startedAtMs));
    const plain = reason === "rerun" ? "succeeded, before a rerun" : reason;
    const what = error ? `${error.name}: ${error.message}`.split("\n")[0] : plain;
    const who = worker === undefined ? "" : `  on ${worker}`;
    return `    try ${i + 1}  ${showTime(startedAtMs)}  ${took}  ${clip(what ?? reason, MAX_WIDTH)}${who}`;
  });
}

/** Where values lie that are too large for the store. */
export function placeLines(
  inputPlace: StepProgress["outputPlace"],
  steps: readonly Pick<StepProgress, "name" | "outputPlace">[],
): string[] {
  const values = [
    ...(inputPlace ? [{ what: "input", at: inputPlace }] : []),
    ...steps.flatMap(({ name, outputPlace }) => (outputPlace ? [{ what: name, at: outputPlace }] : [])),
  ];
  if (values.length === 0) return [];
  const width = Math.max(...values.map(({ what }) => what.length));
  const lines = values.map(({ what, at: { url, bytes, trouble } }) => {
    const end = trouble === undefined ? "" : `  cannot be read: ${trouble}`;
    return `  ${what.padEnd(width)}  ${showBytes(bytes)}  ${url}${end}`;
  });
  return ["", "large values", ...lines];
}

/** The first lines of a value as JSON. */
export function beginningOf(value: unknown): string[] {
  const lines = jsonText(value, 2).split("\n");
  const shown = lines.slice(0, MAX_LINES).map((line) => `  ${clip(line, MAX_WIDTH)}`);
  const left = lines.length - shown.length;
  return left === 0 ? shown : [...shown, `  … and ${left} more lines; --json has all of it`];
}
