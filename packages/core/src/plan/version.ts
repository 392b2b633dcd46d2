import { sha256Hex } from "../values/hash.js";
import { canonicalJson } from "../values/json.js";
import type { JsonValue, Plan } from "./plan.js";

const VERSION_DIGITS = 32;

/**
 * The version of a plan: the first 32 hexadecimal digits (128 bits) of the SHA-256 of its canonical JSON.
 *
 * @example
 * planVersion(crawl.plan) === crawl.version; // true
 */
export function planVersion(plan: Plan): string {
  return sha256Hex(canonicalJson(plan as unknown as JsonValue)).slice(0, VERSION_DIGITS);
}
