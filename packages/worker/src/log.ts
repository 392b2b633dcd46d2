import type { LogFields, TaskLog } from "@jobbers/core";

/** Writes info, warnings and errors to stderr, one line each; drops debug lines. */
export function consoleLog(): TaskLog {
  const write = (level: string) => (message: string, fields?: LogFields) => {
    console.error(`${level} ${message}${fields ? ` ${showFields(fields)}` : ""}`);
  };
  return { debug: () => {}, info: write("info"), warn: write("warn"), error: write("error") };
}

/** A log that adds fields to each line. */
export function logWith(log: TaskLog, more: LogFields): TaskLog {
  return {
    debug: (message, fields) => log.debug(message, { ...more, ...fields }),
    info: (message, fields) => log.info(message, { ...more, ...fields }),
    warn: (message, fields) => log.warn(message, { ...more, ...fields }),
    error: (message, fields) => log.error(message, { ...more, ...fields }),
  };
}

function showFields(fields: LogFields): string {
  try {
    return JSON.stringify(fields);
  } catch {
    return "(fields that are no JSON)";
  }
}
