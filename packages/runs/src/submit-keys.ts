import {
  DEFAULT_KEY_TTL_MS,
  durationMs,
  type IfHeld,
  JobbersError,
  type KeyClaim,
  type KeyMode,
  MAX_KEY_CHARS,
  quoted,
} from "@jobbers/core";

/** The options that have a run hold a key; a submission has one of them at most. */
export const keyOptions = ["idempotencyKey", "singleton", "debounce", "throttle"] as const;

/** One of them. */
export type KeyOption = (typeof keyOptions)[number];

/** What is wrong with an option, and in which part of it. */
export interface KeyFault {
  readonly path: readonly string[];
  readonly problem: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** What each option takes. */
const parts: Readonly<Record<KeyOption, readonly string[]>> = {
  idempotencyKey: ["key", "ttl", "mode"],
  singleton: ["key", "mode"],
  debounce: ["key", "wait", "max"],
  throttle: ["key", "per"],
};

const modes = {
  "return-existing": "existing",
  reject: "reject",
  "replace-waiting": "replace",
} as const satisfies Record<KeyMode, IfHeld>;

const forms: Readonly<Record<KeyOption, string>> = {
  idempotencyKey: "a text, or an object with key",
  singleton: "true, or an object",
  debounce: "an object with wait",
  throttle: "an object with per",
};

/** Half of a character that takes two: no store could tell it from another. */
const loneSurrogate = /\p{Surrogate}/u;

/**
 * Reads one of the options that have a run hold a key.
 *
 * @param options all that was given beside it, whose `delay` and `runAt` may exclude it
 */
export function readKeyOption(option: KeyOption, value: unknown, options: Fields): KeyClaim | KeyFault {
  const other = keyOptions.find((each) => each !== option && options[each] !== undefined);
  if (other) return { path: [option], problem: `and ${other} exclude each other` };
  const given = givenIn(option, value);
  if (!given) return { path: [option], problem: `is ${quoted(value)}; it takes ${forms[option]}` };
  const stranger = Object.keys(given).find((part) => !parts[option].includes(part));
  if (stranger !== undefined) {
    const problem = `is no part of ${option}; there are ${parts[option].join(", ")}`;
    return { path: [option, stranger], problem };
  }
  const keyProblem = problemOfKey(given.key, option === "idempotencyKey");
  const keyPath = typeof value === "string" ? [option] : [option, "key"];
  if (keyProblem !== undefined) return { path: keyPath, problem: keyProblem };
  return claimOf(option, (given.key ?? "") as string, given, options);
}

function givenIn(option: KeyOption, value: unknown): Fields | undefined {
  if (option === "idempotencyKey" && typeof value === "string") return { key: value };
  if (option === "singleton" && value === true) return {};
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Fields) : undefined;
}

function problemOfKey(key: unknown, isNeeded: boolean): string | undefined {
  if (key === undefined) return isNeeded ? "is missing" : undefined;
  if (typeof key !== "string" || key === "" || key.length > MAX_KEY_CHARS)
    return `is ${quoted(key)}; a key is a text of 1 to ${MAX_KEY_CHARS} characters`;
  if (key.includes("\0") || loneSurrogate.test(key))
    return `is ${quoted(key)}; a key has neither U+0000 nor half a character in it`;
  return undefined;
}

function claimOf(option: KeyOption, key: string, given: Fields, options: Fields): KeyClaim | KeyFault {
  switch (option) {
    case "idempotencyKey": {
      const ifHeld = modeOf(option, given.mode, "same");
      if (typeof ifHeld === "object") return ifHeld;
      const holdMs = given.ttl === undefined ? DEFAULT_KEY_TTL_MS : lengthOf(option, "ttl", given.ttl);
      if (typeof holdMs === "object") return holdMs;
      return { scope: "idempotency", key, until: "time", holdMs, ifHeld };
    }
    case "singleton": {
      const ifHeld = modeOf(option, given.mode, "existing");
      if (typeof ifHeld === "object") return ifHeld;
      return { scope: "singleton", key, until: "end", ifHeld };
    }
    case "debounce":
      return debounceOf(key, given, options);
    case "throttle": {
      const holdMs = lengthOf(option, "per", given.per);
      if (typeof holdMs === "object") return holdMs;
      return { scope: "throttle", key, until: "time", holdMs, ifHeld: "existing" };
    }
  }
}

function debounceOf(key: string, { wait, max }: Fields, options: Fields): KeyClaim | KeyFault {
  const start = ["delay", "runAt"].find((each) => options[each] !== undefined);
  if (start !== undefined) return { path: ["debounce"], problem: `and ${start} exclude each other` };
  const waitMs = lengthOf("debounce", "wait", wait);
  if (typeof waitMs === "object") return waitMs;
  const claim = { scope: "debounce", key, until: "begin", ifHeld: "replace" } as const;
  if (max === undefined) return claim;
  const maxMs = lengthOf("debounce", "max", max);
  if (typeof maxMs === "object") return maxMs;
  if (maxMs < waitMs)
    return { path: ["debounce", "max"], problem: `is ${quoted(max)}, which is shorter than wait` };
  return { ...claim, maxMs };
}

/** What becomes of a submission whose key is held; `usual` says it where no mode does, or the usual one. */
function modeOf(option: KeyOption, mode: unknown, usual: IfHeld): IfHeld | KeyFault {
  if (mode === undefined || mode === "return-existing") return usual;
  if (typeof mode === "string" && Object.hasOwn(modes, mode)) return modes[mode as KeyMode];
  const known = Object.keys(modes)
    .map((each) => `"${each}"`)
    .join(", ");
  return { path: [option, "mode"], problem: `is ${quoted(mode)}; it takes ${known}` };
}

/** A length of time that is longer than 0, in milliseconds. */
function lengthOf(option: KeyOption, part: string, value: unknown): number | KeyFault {
  const path = [option, part];
  if (value === undefined) return { path, problem: 'is missing; it takes a duration such as "5s"' };
  try {
    const ms = durationMs(value as string, "");
    if (ms > 0) return ms;
    return { path, problem: `is ${quoted(value)}; it has to be longer than 0` };
  } catch (error) {
    if (!(error instanceof JobbersError)) throw error;
    return { path, problem: error.message.trimStart() };
  }
}
