import type { SubmitOptions } from "@jobbers/client";
import { type Duration, durationMs, type KeyMode } from "@jobbers/core";
import { flagError, oneOf } from "./flags.js";

/** The flags that make one run of several submissions. */
export const keyFlags = {
  "idempotency-key": {
    type: "string",
    valueHint: "KEY",
    description: "One run of all submissions with this key: whoever sends it again is answered with the run",
  },
  "key-ttl": {
    type: "string",
    valueHint: "TIME",
    description: "How long the idempotency key is the run's: 1h, 7d; default 24h",
  },
  singleton: {
    type: "boolean",
    description: "One unfinished run at a time, of this dag or task, or with this --key",
  },
  debounce: {
    type: "string",
    valueHint: "TIME",
    description: "Start when no other such submission came for so long; the last one wins",
  },
  "debounce-max": {
    type: "string",
    valueHint: "TIME",
    description: "Start so long after the first of them at the latest",
  },
  throttle: {
    type: "string",
    valueHint: "TIME",
    description: "Start one such run in so long a time; the others answer that one",
  },
  key: {
    type: "string",
    valueHint: "KEY",
    description: "What --singleton, --debounce or --throttle is about; default: this dag or task",
  },
  "key-mode": {
    type: "string",
    valueHint: "WORD",
    description:
      "When another run has the key: return-existing, reject or replace-waiting; default return-existing",
  },
} as const;

/** What a command line says of keys. */
export interface AskedKeys {
  readonly "idempotency-key"?: string | undefined;
  readonly "key-ttl"?: string | undefined;
  readonly singleton?: boolean | undefined;
  readonly debounce?: string | undefined;
  readonly "debounce-max"?: string | undefined;
  readonly throttle?: string | undefined;
  readonly key?: string | undefined;
  readonly "key-mode"?: string | undefined;
}

type Keys = Pick<SubmitOptions, "idempotencyKey" | "singleton" | "debounce" | "throttle">;

const modes = ["return-existing", "reject", "replace-waiting"] as const;

/**
 * Reads the flags that make one run of several submissions.
 *
 * @throws JobbersError `flag-invalid` for flags that do not go together
 */
export function keyOptionsOf(asked: AskedKeys): Keys {
  const { "idempotency-key": idempotencyKey, singleton, debounce, throttle, key } = asked;
  const given = (["idempotency-key", "singleton", "debounce", "throttle"] as const).filter(
    (flag) => asked[flag] !== undefined && asked[flag] !== false,
  );
  if (given.length > 1) throw flagError(`--${given[0]} and --${given[1]} exclude each other`);
  checkCompany(asked, given[0]);
  const mode: KeyMode | undefined =
    asked["key-mode"] === undefined ? undefined : oneOf(asked["key-mode"], "--key-mode", modes);
  const keyed = key !== undefined && { key };
  const moded = mode !== undefined && { mode };
  if (idempotencyKey !== undefined) {
    const ttl = lengthOf(asked["key-ttl"], "--key-ttl");
    return { idempotencyKey: { key: idempotencyKey, ...(ttl !== undefined && { ttl }), ...moded } };
  }
  if (singleton) return { singleton: { ...keyed, ...moded } };
  const wait = lengthOf(debounce, "--debounce");
  if (wait !== undefined) {
    const max = lengthOf(asked["debounce-max"], "--debounce-max");
    return { debounce: { ...keyed, wait, ...(max !== undefined && { max }) } };
  }
  const per = lengthOf(throttle, "--throttle");
  return per === undefined ? {} : { throttle: { ...keyed, per } };
}

/** Flags that say more about another one. */
const company = {
  "key-ttl": ["idempotency-key"],
  "debounce-max": ["debounce"],
  key: ["singleton", "debounce", "throttle"],
  "key-mode": ["idempotency-key", "singleton"],
} as const satisfies Record<string, readonly (keyof AskedKeys)[]>;

function checkCompany(asked: AskedKeys, given: keyof AskedKeys | undefined): void {
  for (const flag of Object.keys(company) as (keyof typeof company)[]) {
    const others: readonly (keyof AskedKeys)[] = company[flag];
    if (asked[flag] === undefined || (given && others.includes(given))) continue;
    throw flagError(`--${flag} goes with ${others.map((each) => `--${each}`).join(", ")}`);
  }
}

function lengthOf(text: string | undefined, flag: string): Duration | undefined {
  return text === undefined ? undefined : durationMs(text, flag, "flag-invalid");
}
