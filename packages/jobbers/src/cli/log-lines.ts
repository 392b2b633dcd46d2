import type { LogRecord } from "@jobbers/client";

/** Characters that move a cursor, colour a terminal, or turn the direction of a text round. */
const HARMFUL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A text of users on one line, with which no terminal can be led astray. */
export function harmless(text: string): string {
  return text.replace(HARMFUL, (each) => {
    const code = each.codePointAt(0) as number;
    return SHORT[each] ?? `\\u{${code.toString(16)}}`;
  });
}

/** Shows the lines of a log, one after the other, and where some are missing. */
export function createLogLines(isComplete: boolean): (line: LogRecord) => string[] {
  /** The last number by step and attempt. */
  const last = new Map<string, number>();
  return (line) => {
    const { step, attempt, number } = line;
    const of = `${attempt} ${step}`;
    // Of lines that were asked for by their level, numbers are missing anyway.
    const missing = isComplete ? number - 1 - (last.get(of) ?? 0) : 0;
    last.set(of, number);
    const where = attempt > 1 ? `${harmless(step)} (attempt ${attempt})` : harmless(step);
    return [
      ...(missing > 0 ? [`… ${missing === 1 ? "1 line" : `${missing} lines`} of ${where} dropped`] : []),
      showLine(line, where),
    ];
  };
}

function showLine({ atMs, level, message, fields, cut }: LogRecord, where: string): string {
  const facts = fields === undefined ? "" : ` ${harmless(JSON.stringify(fields))}`;
  const time = new Date(atMs).toISOString();
  return `${time} ${level.padEnd(5)} ${where}: ${harmless(message)}${facts}${cut ? " (cut)" : ""}`;
}
