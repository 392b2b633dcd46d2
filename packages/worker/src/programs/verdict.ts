import { type CommandSpec, JobbersError, markRetryAfter, markTerminal } from "@jobbers/core";
import type { SaidError } from "./said.js";

/** How a program ended. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Its last lines on stderr. */
  readonly tail: string;
  /** What it said of its failure, where it did. */
  readonly said: SaidError | undefined;
}

/** The error that the end of a program means; undefined: it succeeded. */
export function failureOf({ name, exitCodes }: CommandSpec, end: ProgramEnd): Error | undefined {
  const { code, signal, said, tail } = end;
  if (code !== null && exitCodes.success.includes(code) && !said) return undefined;
  const how = signal ? `was ended by ${signal}` : `exited with code ${code}`;
  const words = said?.message ?? (tail === "" ? "" : `its last words on stderr:\n${tail}`);
  const message = `${name} ${how}${words && `; ${words}`}`;
  const error = new JobbersError("program-failed", said ? said.message : message, {
    detail: { exitCode: code, signal },
  });
  // The program's own error reads as if it had been thrown here.
  if (said?.name) Object.defineProperty(error, "name", { value: said.name });
  if (isTerminal(exitCodes, end)) return markTerminal(error);
  return said?.retryAfterMs === undefined ? error : markRetryAfter(error, said.retryAfterMs);
}

function isTerminal(codes: CommandSpec["exitCodes"], { code, said }: ProgramEnd): boolean {
  if (said?.terminal) return true;
  // What it says itself goes before what its code says.
  if (said?.retryAfterMs !== undefined || code === null || codes.success.includes(code)) return false;
  if (codes.terminal.includes(code)) return true;
  return codes.otherwise === "terminal" && !codes.retry.includes(code);
}
