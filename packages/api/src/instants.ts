const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/;
const LAST_MS = 8.64e15;

/** An instant as ISO 8601 text. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** An instant as ISO 8601 text; absent where there is none, or where it is never. */
export function isoMaybe(ms: number | undefined): string | undefined {
  return ms === undefined || !(Math.abs(ms) <= LAST_MS) ? undefined : iso(ms);
}

/** The milliseconds since 1970 of ISO 8601 text with a zone; undefined for anything else. */
export function instantMs(text: unknown): number | undefined {
  if (typeof text !== "string" || !form.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) || ms < 0 ? undefined : ms;
}
