import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { scriptText } from "./script-text.js";

/** An argument of a script. */
export type Argument = string | number;

/** The typed face of one script: how a call becomes its ARGV (from the second on; the first is the instant), and a reply a result. */
export interface Script<Call extends readonly unknown[], Reply> {
  /** The file in `scripts/`, without its ending. */
  readonly name: string;
  encode(...call: Call): Argument[];
  decode(reply: unknown, ...call: Call): Reply;
}

/** By name: a hash is made once. */
const hashes = new Map<string, string>();

/** What a script's text is known by to the server. */
export function scriptHash(name: string): string {
  const known = hashes.get(name);
  if (known) return known;
  const hash = createHash("sha1").update(scriptText(name)).digest("hex");
  hashes.set(name, hash);
  return hash;
}

/** True for the error of a server that does not know the script's hash: it executed nothing. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

/** Runs a script that the server knows by its hash; for an error that it does not, see {@link isUnknownScript}. */
export function callScript(
  redis: Redis,
  name: string,
  key: string,
  args: readonly Argument[],
): Promise<unknown> {
  return redis.evalsha(scriptHash(name), 1, key, ...args);
}

/**
 * Runs a script by its hash; where the server does not know it (any more), by its text. Left to itself, ioredis sends the text once on each connection, and some
 * have 200 KB.
 */
export async function runScript(
  redis: Redis,
  name: string,
  key: string,
  args: readonly Argument[],
): Promise<unknown> {
  try {
    return await callScript(redis, name, key, args);
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return await redis.eval(scriptText(name), 1, key, ...args);
  }
}
