import type { Lease, LogFields, LogLevel, TaskLog } from "@jobbers/core";

/** What a terminal obeys, line breaks among it, and what turns the direction of writing round. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const harmful = /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;

/** Writes info, warnings and errors to stderr, one line each, whatever a handler's texts contain; drops debug lines. */
export function consoleLog(): TaskLog {
  const show = (found: string) => `\\u{${found.charCodeAt(0).toString(16)}}`;
  const write = (level: string) => (message: string, fields?: LogFields) => {
    const line = `${level} ${message}${fields ? ` ${showFields(fields)}` : ""}`;
    console.error(line.replace(harmful, show));
  };
  return { debug: () => {}, info: write("info"), warn: write("warn"), error: write("error") };
}

/** A log that says in each line which attempt it is about; `keep` is told of each first, as it came. */
export function logWith(
  log: TaskLog,
  { run, address: step, fence: attempt }: Lease,
  keep?: (level: LogLevel, message: string, fields: LogFields | undefined) => void,
): TaskLog {
  const write = (level: LogLevel) => (message: string, fields?: LogFields) => {
    keep?.(level, message, fields);
    log[level](message, { run, step, attempt, ...fields });
  };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

function showFields(fields: LogFields): string {
  try {
    return JSON.stringify(fields);
  } catch {
    return "(fields that are no JSON)";
  }
}
