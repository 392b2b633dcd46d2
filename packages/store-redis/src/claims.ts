import { createHash } from "node:crypto";
import type { IfHeld, KeyClaim, KeyScope, RunKey } from "@jobbers/core";
import { keyText, packText, unpackText } from "./text.js";

/** Claims of keys, as scripts/shared/claims.lua has them. */
const scopes = { idempotency: "i", singleton: "s", debounce: "d", throttle: "t" } as const;
const ends = { time: "t", end: "e", begin: "b" } as const satisfies Record<KeyClaim["until"], string>;
const answers = { existing: "e", same: "s", reject: "r", replace: "p" } as const satisfies Record<
  IfHeld,
  string
>;

/** Keys that stand in the names of Redis keys; of all others, that may be long by then, their hash does. */
const isPlain = /^[A-Za-z0-9._-]{0,200}$/;
const SHORT = 50;

/** What a submission says of its key. */
export function claimText(name: string, { scope, key, until, holdMs = 0, ifHeld, maxMs }: KeyClaim): string {
  const isShort = isPlain.test(key) || key.length <= SHORT;
  const shown = isShort ? keyText(key) : `~${createHash("sha256").update(key).digest("hex")}`;
  return [
    `${ends[until]}${answers[ifHeld]}${Math.max(0, Math.ceil(holdMs))}`,
    maxMs === undefined ? "" : Math.max(0, Math.ceil(maxMs)),
    `${scopes[scope]}:${keyText(name)}:${shown}`,
    isShort ? "" : packText(key),
  ].join(",");
}

/** Reads the field `k` of a run that was submitted at some instant. */
export function readKey(field: string, createdMs: number): RunKey {
  const [kept = "", place = "", long = ""] = field.split(",");
  const [letter, , shown = ""] = place.split(":");
  const scope = (Object.keys(scopes) as KeyScope[]).find((each) => scopes[each] === letter) ?? "idempotency";
  const key = unpackText(shown.startsWith("~") ? long : shown);
  return { scope, key, ...(/^\d+$/.test(kept) && { untilMs: createdMs + Number(kept) }) };
}
