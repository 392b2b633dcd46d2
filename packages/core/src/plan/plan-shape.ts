import { JobbersError } from "../errors/errors.js";
import { showPath } from "../values/json.js";
import { quoted } from "../values/quoted.js";
import type { JsonValue, Path, PlanStep, Source, Wiring } from "./plan.js";

/** Whether the parts of a plan have the right form, each by itself; how they hang together is checked in `plan-check.ts`. */

type Json = { readonly [key: string]: JsonValue | undefined };

/** Ten years, as of all durations; it stands in the names of lines. */
const MAX_STICKY_MS = 315_360_000_000;

const STEP_NAME = /^(?:[A-Za-z0-9._-]{1,128}(?:~[1-9]\d*)?(?:\[\])*|~onFailure)$/;
const LOCAL_NAME = /^[A-Za-z0-9._-]{1,128}$/;
const TRIGGERS: readonly unknown[] = ["all_success", "none_failed", "one_failed", "all_done"];

export function invalid(message: string): JobbersError {
  return new JobbersError("plan-invalid", message);
}

export function object(value: unknown, what: string): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw invalid(`${what} is ${quoted(value)} instead of an object`);
}

export function list(value: unknown, what: string): readonly JsonValue[] {
  if (Array.isArray(value)) return value as readonly JsonValue[];
  throw invalid(`${what} is ${quoted(value)} instead of a list`);
}

export function oneOf(value: unknown, known: readonly unknown[], what: string): void {
  if (!known.includes(value)) throw invalid(`${what} is ${quoted(value)}; there are ${known.join(", ")}`);
}

export function localName(value: unknown, what: string): string {
  if (typeof value === "string" && LOCAL_NAME.test(value)) return value;
  throw invalid(
    `${what} is ${quoted(value)}, which is no name: 1 to 128 of the characters A-Z a-z 0-9 . _ -`,
  );
}

function stepName(value: unknown, what: string): string {
  if (typeof value === "string" && value.split("/").every((part) => STEP_NAME.test(part))) return value;
  throw invalid(
    `${what} is ${quoted(value)}, which is no step name like fetch, add~2, fetch[] or site/fetch`,
  );
}

export function whole(value: unknown, least: number, most: number, what: string): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw invalid(`${what} is ${quoted(value)}; it takes a whole number from ${least} to ${most}`);
}

/** Checks the form of one step. */
export function shapeOfStep(value: unknown, at: number): PlanStep {
  const step = object(value, `step ${at}`);
  const what = `step ${quoted(stepName(step.name, `the name of step ${at}`))}`;
  if (step.in !== undefined) stepName(step.in, `${what}: in`);
  for (const parent of list(step.parents, `${what}: parents`)) stepName(parent, `${what}: a parent`);
  oneOf(step.trigger, TRIGGERS, `${what}: trigger`);
  if (step.when !== undefined) shapeOfSource(step.when, `${what}: when`);
  if (step.stickyMs !== undefined) whole(step.stickyMs, 1, MAX_STICKY_MS, `${what}: stickyMs`);
  oneOf(step.kind, ["task", "map", "dag"], `${what}: kind`);
  if (step.kind === "task") shapeOfTask(step, what);
  else shapeOfWiring(step.output, `${what}: output`);
  if (step.kind === "map") shapeOfSource(step.over, `${what}: over`);
  else shapeOfWiring(step.input, `${what}: input`);
  if (step.kind === "dag") shapeOfDag(step, what);
  if (step.kind === "map" && step.spread !== undefined) shapeOfSpread(step.spread, `${what}: spread`);
  return step as unknown as PlanStep;
}

function shapeOfTask(step: Json, what: string): void {
  localName(step.task, `${what}: task`);
  localName(step.queue, `${what}: queue`);
  if (step.keepsQueue !== undefined) oneOf(step.keepsQueue, [true], `${what}: keepsQueue`);
  if (step.priority !== undefined) whole(step.priority, 0, 9, `${what}: priority`);
  if (step.timeoutMs !== undefined) whole(step.timeoutMs, 1, Number.MAX_SAFE_INTEGER, `${what}: timeoutMs`);
  if (step.startWithinMs !== undefined)
    whole(step.startWithinMs, 1, Number.MAX_SAFE_INTEGER, `${what}: startWithinMs`);
  if (step.heartbeatMs !== undefined)
    whole(step.heartbeatMs, 1, Number.MAX_SAFE_INTEGER, `${what}: heartbeatMs`);
  if (step.events !== undefined) oneOf(step.events, ["each"], `${what}: events`);
  if (step.inline !== undefined) oneOf(step.inline, ["auto", "always", "never"], `${what}: inline`);
  const retry = object(step.retry, `${what}: retry`);
  whole(retry.attempts, 1, Number.MAX_SAFE_INTEGER, `${what}: retry.attempts`);
  oneOf(retry.backoff, ["fixed", "exponential"], `${what}: retry.backoff`);
  whole(retry.delayMs, 0, Number.MAX_SAFE_INTEGER, `${what}: retry.delayMs`);
  whole(retry.maxMs, 0, Number.MAX_SAFE_INTEGER, `${what}: retry.maxMs`);
  oneOf(retry.jitter, [true, false], `${what}: retry.jitter`);
  if (retry.delaysMs !== undefined) shapeOfDelays(retry.delaysMs, `${what}: retry.delaysMs`);
}

function shapeOfDelays(value: unknown, what: string): void {
  const delays = list(value, what);
  if (delays.length === 0) throw invalid(`${what} is empty`);
  for (const each of delays) whole(each, 0, Number.MAX_SAFE_INTEGER, `${what}: a delay`);
}

function shapeOfSpread(value: unknown, what: string): void {
  const spread = object(value, what);
  localName(spread.by, `${what}: by`);
  const queues = list(spread.queues, `${what}: queues`);
  if (queues.length === 0) throw invalid(`${what} has no queues`);
  for (const queue of queues) localName(queue, `${what}: a queue`);
  if (spread.code !== undefined) oneOf(spread.code, [true], `${what}: code`);
  if (spread.weights === undefined) return;
  const weights = list(spread.weights, `${what}: weights`);
  const isSum = weights.every((each) => typeof each === "number" && each >= 0) && weights.some(Boolean);
  if (weights.length !== queues.length || !isSum)
    throw invalid(`${what}: weights are one for each queue, numbers from 0 on, not all of them 0`);
}

function shapeOfDag(step: Json, what: string): void {
  localName(step.dag, `${what}: dag`);
  oneOf(step.parses, [true, false], `${what}: parses`);
  oneOf(step.failure, ["stop", "continue"], `${what}: failure`);
}

/** Checks the form of a wiring, and that every wire ends in a place of its literal that no other wire fills. */
export function shapeOfWiring(value: unknown, what: string): Wiring {
  const wiring = object(value, what);
  if (wiring.value === undefined) throw invalid(`${what} has no value`);
  const filled = new Set<string>();
  for (const each of list(wiring.wires, `${what}: wires`)) {
    const wire = object(each, `${what}: a wire`);
    const at = shapeOfPath(wire.at, `${what}: a wire's at`);
    const place = `${what}${showPath(at)}`;
    if (filled.has(JSON.stringify(at))) throw invalid(`${place} is filled by two wires`);
    filled.add(JSON.stringify(at));
    if (holeAt(wiring.value, at) !== null)
      throw invalid(`${place} is filled by a wire, but is no null in the literal`);
    shapeOfSource(wire.source, place);
  }
  return wiring as unknown as Wiring;
}

function holeAt(value: JsonValue, at: Path): JsonValue | undefined {
  let part: JsonValue | undefined = value;
  for (const key of at) {
    if (typeof part !== "object" || part === null || !Object.hasOwn(part, key)) return undefined;
    part = (part as Json)[key];
  }
  return part;
}

function shapeOfPath(value: unknown, what: string): Path {
  for (const key of list(value, what)) {
    if (typeof key !== "string" && !Number.isSafeInteger(key)) throw invalid(`${what} holds ${quoted(key)}`);
  }
  return value as Path;
}

const ARGUMENTS = { or: 2, eq: 2, not: 1, items: 1 } as const;

function shapeOfSource(value: unknown, what: string): Source {
  const source = object(value, what);
  shapeOfPath(source.path, `${what}: path`);
  switch (source.from) {
    case "step":
      stepName(source.step, `${what}: step`);
      break;
    case "input":
    case "failure":
      if (source.of !== undefined) stepName(source.of, `${what}: of`);
      break;
    case "item":
    case "index":
      stepName(source.of, `${what}: of`);
      break;
    case "or":
    case "eq":
    case "not":
    case "items": {
      const args = list(source.args, `${what}: args`);
      const count = ARGUMENTS[source.from];
      if (args.length !== count)
        throw invalid(`${what}: ${source.from} has ${args.length} arguments instead of ${count}`);
      for (const arg of args) shapeOfWiring(arg, `${what}: an argument of ${source.from}`);
      if (source.from === "items" && (source.path as Path).length > 0)
        throw invalid(`${what}: items has a path, but no part of it can be taken`);
      break;
    }
    default:
      throw invalid(
        `${what} comes from ${quoted(source.from)}; there are input, step, item, index, failure, or, eq, not, items`,
      );
  }
  return source as unknown as Source;
}
