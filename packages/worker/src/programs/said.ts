import { durationMs, JobbersError, type LogFields, type Progress, type TaskLog } from "@jobbers/core";

/**
 * What a program says beside its output: lines on stdout that are a JSON object whose first key is "jobbers".
 *
 *   {"jobbers":"heartbeat","at":"page 3","done":3,"total":10}
 *   {"jobbers":"log","level":"warn","message":"slow disk","fields":{"disk":"sda"}}
 *   {"jobbers":"error","message":"the page is gone","name":"Gone","terminal":true}
 *   {"jobbers":"error","message":"too many requests","retryAfter":"90s"}
 */
export type Said =
  | { readonly type: "heartbeat"; readonly progress: Progress }
  | {
      readonly type: "log";
      readonly level: keyof TaskLog;
      readonly message: string;
      readonly fields: LogFields | undefined;
    }
  | { readonly type: "error"; readonly error: SaidError };

/** How the program wants its failure to be told and judged. */
export interface SaidError {
  readonly name: string | undefined;
  readonly message: string;
  readonly terminal: boolean;
  readonly retryAfterMs: number | undefined;
}

const PREFIX = /^\s*\{\s*"jobbers"\s*:/;
const levels: readonly unknown[] = ["debug", "info", "warn", "error"] satisfies (keyof TaskLog)[];

/** True for a line that is meant for Jobbers and is no output. */
export function isSaid(line: string): boolean {
  return PREFIX.test(line);
}

/** Reads such a line; throws an error that says what is wrong with it. */
export function readSaid(line: string): Said {
  const { jobbers: type, ...rest } = JSON.parse(line) as Record<string, unknown>;
  switch (type) {
    case "heartbeat":
      return { type, progress: rest };
    case "log":
      return {
        type,
        level: levels.includes(rest.level) ? (rest.level as keyof TaskLog) : "info",
        message: textOf(rest.message, "message"),
        fields: isObject(rest.fields) ? rest.fields : undefined,
      };
    case "error":
      return { type, error: errorOf(rest) };
    default:
      throw new JobbersError(
        "output-invalid",
        `"jobbers" is ${JSON.stringify(type)}; there are "heartbeat", "log" and "error"`,
      );
  }
}

function errorOf({ name, message, terminal, retryAfter }: Record<string, unknown>): SaidError {
  return {
    name: typeof name === "string" && name !== "" ? name : undefined,
    message: textOf(message, "message"),
    terminal: terminal === true,
    retryAfterMs:
      retryAfter === undefined ? undefined : durationMs(retryAfter as string, "retryAfter", "output-invalid"),
  };
}

function textOf(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new JobbersError("output-invalid", `"${what}" is ${JSON.stringify(value)}; it takes a text`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
