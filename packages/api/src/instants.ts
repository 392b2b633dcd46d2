import { parseInstant } from "@jobbers/core";

const LAST_MS = 8.64e15;

/** An instant as ISO 8601 text. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** An instant as ISO 8601 text; absent where there is none, or where it is never. */
export function isoMaybe(ms: number | undefined): string | undefined {
  return ms === undefined || !(Math.abs(ms) <= LAST_MS) ? undefined : iso(ms);
}

/** The milliseconds since 1970 of ISO 8601 text with a time and its zone; undefined for anything else, and before 1970. */
export function instantMs(text: unknown): number | undefined {
  const ms = typeof text === "string" && text.includes("T") ? parseInstant(text) : undefined;
  return ms === undefined || ms < 0 ? undefined : ms;
}
