import type { EventRecord, Phase, RunState, StepState, Trigger } from "@jobbers/core";

/** The letters in which records are kept, as scripts/shared/base.lua names them. */
const states = {
  b: "blocked",
  r: "ready",
  l: "limited",
  x: "running",
  w: "waiting",
  e: "expanding",
  u: "suspended",
  s: "succeeded",
  f: "failed",
  k: "skipped",
  c: "cancelled",
} as const satisfies Record<string, StepState>;

const runStates = {
  d: "scheduled",
  r: "running",
  s: "succeeded",
  f: "failed",
  c: "cancelled",
} as const satisfies Record<string, RunState>;

const phases = { r: "run", a: "admit", x: "expand", e: "enter", v: "advance" } as const satisfies Record<
  string,
  Phase
>;

const events = {
  c: "run.created",
  e: "run.ended",
  a: "run.retried",
  s: "steps",
  r: "step.retry",
  l: "step.lost",
  q: "step.quarantined",
  d: "step.dead-lettered",
  p: "step.progress",
  g: "step.logged",
  x: "step.started",
  v: "step.succeeded",
  f: "step.failed",
  k: "step.skipped",
  n: "step.cancelled",
  w: "worker.started",
  o: "queue.orphaned",
  u: "queue.served",
} as const satisfies Record<string, EventRecord["type"]>;

export const triggerLetters = {
  all_success: "S",
  none_failed: "N",
  one_failed: "C",
  all_done: "D",
} as const satisfies Record<Trigger, string>;

export const kindLetters = { task: "t", map: "m", dag: "d" } as const;

const kinds = { t: "task", m: "map", d: "dag" } as const;

const reader =
  <T>(table: Readonly<Record<string, T>>) =>
  (letter: string): T => {
    const word = table[letter];
    if (word === undefined) throw new RangeError(`a record has the unknown letter "${letter}"`);
    return word;
  };

export const stateOf = reader<StepState>(states);
export const runStateOf = reader<RunState>(runStates);
export const phaseOf = reader<Phase>(phases);
export const eventTypeOf = reader<EventRecord["type"]>(events);
export const kindOf = reader<"task" | "map" | "dag">(kinds);

export const phaseLetters = { run: "r", admit: "a", expand: "x", enter: "e" } as const;
