import {
  checkRunId,
  type Duration,
  durationMs,
  isTag,
  JobbersError,
  type KeyClaim,
  quoted,
  type SubmitOptions,
} from "@jobbers/core";
import { keyOptions, readKeyOption } from "./submit-keys.js";

/** The options that are part of a run's content, as a store wants them; what was not given is absent. */
export interface CheckedOptions {
  readonly priority?: number;
  readonly delayMs?: number;
  readonly runAtMs?: number;
  readonly tags?: readonly string[];
  readonly keepMs?: number;
  readonly deadlineMs?: number;
  readonly claim?: KeyClaim;
}

/** The priority of a run that did not ask for one: in the middle, so that there is room on both sides. */
export const DEFAULT_PRIORITY = 5;

/** What most submissions of many have. */
export const NO_OPTIONS: CheckedOptions = Object.freeze({});

const MAX_TAGS = 32;
/** What may stand in options; an item has its input beside them. */
const known = new Set([
  "id",
  "priority",
  "delay",
  "runAt",
  "tags",
  "keep",
  "deadline",
  "durability",
  "traceparent",
  "idempotencyKey",
  "singleton",
  "debounce",
  "throttle",
  "input",
]);

/**
 * Checks options, which may have an input beside them, and turns durations into milliseconds.
 *
 * @throws JobbersError `flag-invalid` naming the option, or `id-invalid`
 */
export function checkSubmitOptions(options: SubmitOptions): CheckedOptions {
  let isBare = true;
  for (const key in options) {
    if (key === "input" || key === "id") continue;
    if (!known.has(key)) throw unknownOption(key);
    isBare = false;
  }
  if (options.id !== undefined) checkRunId(options.id);
  return isBare ? NO_OPTIONS : checkGiven(options);
}

function checkGiven(options: SubmitOptions): CheckedOptions {
  const { priority, delay, runAt, tags, keep, deadline, durability, traceparent } = options;
  checkDurability(durability);
  checkTraceparent(traceparent);
  if (delay !== undefined && runAt !== undefined) throw refuse("delay", "and runAt exclude each other");
  // Put together by hand: thousands may be made at a time, and spreading makes slow objects.
  const checked: { -readonly [K in keyof CheckedOptions]: CheckedOptions[K] } = {};
  if (priority !== undefined) checked.priority = checkPriority(priority);
  if (delay !== undefined) checked.delayMs = durationMs(delay, "delay", "flag-invalid");
  if (runAt !== undefined) checked.runAtMs = checkRunAt(runAt);
  if (tags !== undefined) checked.tags = checkTags(tags);
  if (keep !== undefined) checked.keepMs = durationMs(keep, "keep", "flag-invalid");
  const claim = checkKey(options);
  if (claim !== undefined) checked.claim = claim;
  // A debounced run waits like a delayed one.
  if (options.debounce !== undefined) checked.delayMs = durationMs(options.debounce.wait, "debounce.wait");
  if (deadline !== undefined) checked.deadlineMs = checkDeadline(deadline, checked);
  return checked;
}

/** The key that is asked for; a fault of it names the part. */
function checkKey(options: SubmitOptions): KeyClaim | undefined {
  for (const option of keyOptions) {
    if (options[option] === undefined) continue;
    const claim = readKeyOption(option, options[option], options as Readonly<Record<string, unknown>>);
    if ("problem" in claim) throw refuse(claim.path.join("."), claim.problem);
    return claim;
  }
  return undefined;
}

/** The tags of a run: those of its workflow, then its own, each once. */
export function joinTags(ofWorkflow: readonly string[], own: readonly string[] = []): readonly string[] {
  return checkTags([...new Set([...ofWorkflow, ...own])]);
}

function checkDeadline(deadline: Duration, { delayMs = 0 }: CheckedOptions): number {
  const ms = durationMs(deadline, "deadline", "flag-invalid");
  if (ms <= 0) throw refuse("deadline", `is ${quoted(deadline)}; it has to be longer than 0`);
  if (ms > delayMs) return ms;
  throw refuse(
    "deadline",
    `is ${quoted(deadline)}, which is over before the delay of ${delayMs} ms has passed`,
  );
}

function checkPriority(priority: unknown): number {
  if (Number.isInteger(priority) && (priority as number) >= 0 && (priority as number) <= 9)
    return priority as number;
  throw refuse("priority", `is ${quoted(priority)}; it takes a whole number from 0 to 9`);
}

function checkDurability(durability: unknown): void {
  if (durability === undefined || durability === "local" || durability === "replica") return;
  throw refuse("durability", `is ${quoted(durability)}; it takes "local" or "replica"`);
}

function checkTraceparent(traceparent: unknown): void {
  if (traceparent === undefined) return;
  if (
    typeof traceparent === "string" &&
    /^[0-9a-f]{2}(?:-[0-9a-f]+){3}$/.test(traceparent) &&
    traceparent.length === 55
  )
    return;
  throw refuse("traceparent", `is ${quoted(traceparent)}; it takes a trace context as W3C writes it`);
}

function checkRunAt(runAt: unknown): number {
  const ms = runAt instanceof Date ? runAt.getTime() : runAt;
  if (Number.isSafeInteger(ms) && (ms as number) >= 0) return ms as number;
  throw refuse("runAt", `is ${quoted(runAt)}; it takes a Date or whole milliseconds since 1970`);
}

function checkTags(tags: unknown): readonly string[] {
  if (!Array.isArray(tags) || tags.length > MAX_TAGS)
    throw refuse("tags", `takes a list of at most ${MAX_TAGS} texts`);
  for (const tag of tags) {
    if (isTag(tag)) continue;
    throw refuse("tags", `has ${quoted(tag)}; a tag is a text of 1 to 128 characters other than U+0000`);
  }
  return tags;
}

function unknownOption(key: string): JobbersError {
  const names = [...known].filter((each) => each !== "input").join(", ");
  return refuse(quoted(key), `is no option of submit; there are ${names}`);
}

function refuse(option: string, problem: string): JobbersError {
  return new JobbersError("flag-invalid", `${option} ${problem}`);
}
