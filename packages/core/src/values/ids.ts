import { randomFillSync } from "node:crypto";
import { decodeTime, monotonicFactory } from "ulid";
import { JobbersError } from "../errors/errors.js";
import { quoted } from "./quoted.js";

// Crockford's base 32 (no I, L, O, U). The first character is at most 7: 26 × 5 bits are two more than a ULID has.
const canonical = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const nameForm = /^[A-Za-z0-9._-]{1,128}$/;

/** True for a ULID in its canonical, upper-case form. */
export function isRunId(text: unknown): text is string {
  return typeof text === "string" && canonical.test(text);
}

/**
 * Answers a run id as it is when it is a canonical ULID: 26 upper-case characters.
 *
 * @throws JobbersError `id-invalid`, saying what is wrong, and showing the right form of one that is merely lower-case
 * @example
 * checkRunId("01ARZ3NDEKTSV4RRFFQ69G5FAV");
 */
export function checkRunId(text: unknown): string {
  if (isRunId(text)) return text;
  throw new JobbersError("id-invalid", `the run id ${quoted(text)} is not a ULID: ${idFault(text)}`);
}

function idFault(text: unknown): string {
  if (typeof text !== "string") return "it is not text";
  if (canonical.test(text.toUpperCase())) return `it has lower-case letters; write ${text.toUpperCase()}`;
  if (text.length !== 26)
    return `it has ${text.length} ${text.length === 1 ? "character" : "characters"} instead of 26`;
  const stranger = /[^0-9A-HJKMNP-TV-Z]/i.exec(text);
  if (stranger) {
    return `${quoted(stranger[0])} at position ${stranger.index + 1} is not one of 0-9 and A-Z without I, L, O, U`;
  }
  return "its first character must be 0 to 7, later times do not exist";
}

/**
 * A source of run ids that only grow, even within a millisecond and when the clock goes back.
 *
 * @param now answers milliseconds since 1970
 * @example
 * const nextId = createRunIds(() => clock.now());
 */
export function createRunIds(now: () => number): () => string {
  const next = monotonicFactory(randomFractions());
  // The package takes 0 for "no time given" and reads a clock of its own.
  return () => next(Math.max(1, Math.floor(now())));
}

/** Random numbers from 0 up to, not including, 1. Drawn one by one, an id's would cost 0.1 ms. */
function randomFractions(): () => number {
  const drawn = new Uint8Array(1024);
  let used = drawn.length;
  return () => {
    if (used === drawn.length) {
      randomFillSync(drawn);
      used = 0;
    }
    return (drawn[used++] as number) / 256;
  };
}

/**
 * The moment in a run id, in milliseconds since 1970.
 *
 * @throws JobbersError `id-invalid`
 */
export function runIdTimeMs(id: string): number {
  return decodeTime(checkRunId(id));
}

/**
 * Answers a name as it is when it has 1 to 128 letters, digits, dots, underscores and hyphens, and is not `__proto__`.
 *
 * @param what names the name in messages, such as "task name"
 * @throws JobbersError `name-invalid`
 */
export function checkName(name: unknown, what: string): string {
  // Names become keys of objects, where this one would be no key at all.
  if (name === "__proto__")
    throw new JobbersError("name-invalid", `${what} "__proto__" is reserved by JavaScript`);
  if (typeof name === "string" && nameForm.test(name)) return name;
  throw new JobbersError(
    "name-invalid",
    `${what} ${quoted(name)} is not 1 to 128 of the characters A-Z a-z 0-9 . _ -`,
  );
}
