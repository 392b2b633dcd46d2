const form = /^(\d{4})-(\d\d)-(\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * Reads an instant: ISO 8601 text, a day or a time with its zone. Answers milliseconds since 1970, and nothing for what is no
 * such text, or a day that no calendar has.
 *
 * @example
 * parseInstant("2026-11-21T16:06:00+01:00"); // 1795273560000
 * parseInstant("2026-02-30"); // undefined
 */
export function parseInstant(text: string): number | undefined {
  const [, year, month, day] = form.exec(text) ?? [];
  if (day === undefined) return undefined;
  // JavaScript takes February 30 as March 2.
  if (new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() !== Number(day))
    return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
