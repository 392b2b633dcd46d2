import type { Cause, Explanation } from "@jobbers/client";
import type { DurationSummary, ProgressRecord } from "@jobbers/core";
import { count } from "./progress-lines.js";
import { clock, progressText } from "./running-lines.js";
import { showDuration } from "./table.js";

/** Writes an explanation: its sentence, then all causes with their figures, each below what it is behind. */
export function explanationLines(told: Explanation, width: number): string[] {
  return [...folded(told.sentence, width, "", ""), "", ...causeLines(told, "  ", told.atMs, width)];
}

interface Behind {
  readonly causes: readonly Cause[];
  readonly left: number;
}

function causeLines({ causes, left }: Behind, indent: string, nowMs: number, width: number): string[] {
  const lines = causes.flatMap((cause) => {
    const figures = figuresOf(cause, nowMs);
    const line = [cause.type, figures].filter((each) => each !== "").join("  ");
    const behind = { causes: cause.because ?? [], left: cause.left ?? 0 };
    const below = causeLines(behind, `${indent}  `, nowMs, width);
    return [...folded(line, width, indent, `${indent}    `), ...below];
  });
  return left > 0 ? [...lines, `${indent}… and ${count(left)} more`] : lines;
}

/** What a cause knows, as in `fetch, queue mail, priority 5`. */
function figuresOf(cause: Cause, nowMs: number): string {
  const { type: _type, sentence: _sentence, because: _because, left: _left, ...figures } = cause;
  const texts = Object.entries(figures).map(([name, value]) => figureOf(name, value, nowMs));
  return texts.filter((each) => each !== "").join(", ");
}

function figureOf(name: string, value: unknown, nowMs: number): string {
  if (value === undefined || value === "" || isUsual(name, value)) return "";
  if (name === "step") return String(value);
  if (name === "progress") return progressText(value as ProgressRecord, nowMs);
  if (name === "perMs") return `per ${showDuration(value as number)}`;
  if (name === "holders") return `slots of ${holdersIn(value as readonly SlotUser[])}`;
  if (name === "heldBy") return `held by ${roleUsersIn(value as readonly RoleUser[])}`;
  if (name === "usual") return usualIn(value as DurationSummary);
  if (name === "turn") return turnIn(value as Turn);
  const shown = name.endsWith("Ms") ? clock(value as number, nowMs) : showValue(value);
  return shown === "" ? "" : `${wordsOf(name)} ${shown}`;
}

/** What goes without saying: a task is run, and it just runs. */
function isUsual(name: string, value: unknown): boolean {
  return (
    value === false || (name === "work" && value === "run") || (name === "liveness" && value === "running")
  );
}

type SlotUser = NonNullable<Extract<Cause, { type: "limited" }>["holders"]>[number];

function holdersIn(users: readonly SlotUser[]): string {
  return users.map(({ run, step, worker }) => `${run} ${step}${worker ? ` (${worker})` : ""}`).join("; ");
}

type RoleUser = Extract<Cause, { type: "role-full" }>["heldBy"][number];

function roleUsersIn(users: readonly RoleUser[]): string {
  return users.map(({ worker, running }) => `${worker} (${count(running)})`).join("; ");
}

type Turn = NonNullable<Extract<Cause, { type: "in-line" }>["turn"]>;

function turnIn({ key, weight, before, tenants }: Turn): string {
  const who = key === "" ? "those without a key" : key;
  const place = tenants > 0 ? `, behind ${count(before)} of ${count(tenants)} tenants` : "";
  return `turn of ${who} (weight ${count(weight)}${place})`;
}

function usualIn({ p50Ms, p95Ms, count: of }: DurationSummary): string {
  return `half of ${count(of)} lately within ${showDuration(p50Ms)}, 19 of 20 within ${showDuration(p95Ms)}`;
}

function showValue(value: unknown): string {
  if (typeof value === "number") return count(value);
  if (Array.isArray(value)) return value.join(" ");
  if (typeof value !== "object" || value === null) return String(value);
  const { name, message, step, error } = value as Partial<Record<string, unknown>>;
  // What was thrown, or the step that failed first and what it threw.
  if (name !== undefined) return message === "" ? `${name}` : `${name}: ${message}`;
  if (error !== undefined) return [step, showValue(error)].filter(Boolean).join(" with ");
  return Object.entries(value)
    .map(([key, each]) => `${showValue(each)} ${key}`)
    .join(" and ");
}

/** `takenBackByMs` as `taken back by`. */
function wordsOf(name: string): string {
  return name.replace(/Ms$/, "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** Folds a text between words, so that no line is longer than the width where its words allow that. */
export function folded(text: string, width: number, first: string, others: string): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = others;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
