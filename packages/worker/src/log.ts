import type { Lease, LogFields, TaskLog } from "@jobbers/core";

/** Writes info, warnings and errors to stderr, one line each; drops debug lines. */
export function consoleLog(): TaskLog {
  const write = (level: string) => (message: string, fields?: LogFields) => {
    console.error(`${level} ${message}${fields ? ` ${showFields(fields)}` : ""}`);
  };
  return { debug: () => {}, info: write("info"), warn: write("warn"), error: write("error") };
}

/** A log that says in each line which attempt it is about. */
export function logWith(log: TaskLog, { run, address: step, fence: attempt }: Lease): TaskLog {
  return {
    debug: (message, fields) => log.debug(message, { run, step, attempt, ...fields }),
    info: (message, fields) => log.info(message, { run, step, attempt, ...fields }),
    warn: (message, fields) => log.warn(message, { run, step, attempt, ...fields }),
    error: (message, fields) => log.error(message, { run, step, attempt, ...fields }),
  };
}

function showFields(fields: LogFields): string {
  try {
    return JSON.stringify(fields);
  } catch {
    return "(fields that are no JSON)";
  }
}
