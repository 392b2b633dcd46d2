import type { Lease, LogFields, LogLevel, TaskLog } from "@jobbers/core";

/** Writes info, warnings and errors to stderr, one line each; drops debug lines. */
export function consoleLog(): TaskLog {
  const write = (level: string) => (message: string, fields?: LogFields) => {
    console.error(`${level} ${message}${fields ? ` ${showFields(fields)}` : ""}`);
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
