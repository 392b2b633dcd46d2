import { JobbersHttpError } from "@jobbers/client";
import { type ErrorCode, errorCatalogue, type JobbersError, type RunFailed } from "@jobbers/core";
import type { Output } from "./output.js";

/** The exit code of a command that broke in a way that nobody foresaw (sysexits' EX_SOFTWARE). */
export const EXIT_BUG = 70;
/** The exit code of a command that a store stands in the way of. */
export const EXIT_STORE = errorCatalogue["store-busy"].exit;
/** The exit code of a command whose run did not come to its own end here: cancelled, or the command was interrupted. */
export const EXIT_OTHERWISE = errorCatalogue["run-cancelled"].exit;

/** Says what went wrong and what to do about it; answers the exit code. */
export function reportError(error: unknown, program: string, output: Output): number {
  const code = codeOf(error);
  if (code === undefined) {
    output.note(
      `${program}: unexpected: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    output.printJson({ error: { code: "unexpected", message: String((error as Error)?.message ?? error) } });
    return EXIT_BUG;
  }
  const { message } = error as JobbersError;
  const detail = detailOf(error as JobbersError | JobbersHttpError);
  const { exit } = errorCatalogue[code];
  const remedy = remedies[code] ?? errorCatalogue[code].remedy;
  const pointers = pointersOf(error);
  // The message has the first one in it.
  const places = (pointers.length > 1 ? pointers : []).map(
    ({ pointer, detail }) => `\n  ${pointer}: ${detail}`,
  );
  output.note(`${program}: ${message} (${code})${places.join("")}\n  ${remedy}`);
  output.printJson({ error: { code, message, remedy, ...(detail !== undefined && { detail }) } });
  return exit;
}

/** What to do about errors of a server, in the words of a command line. */
const remedies: Partial<Record<ErrorCode, string>> = {
  unauthorized: "Give one of the server's tokens with --token, or in JOBBERS_TOKEN.",
  "server-unreachable":
    "See whether `jobbers server` is up there and --url is right; or name a store with --store, which needs no server.",
};

/** The places in what was sent that a server refused. */
function pointersOf(error: unknown): readonly { readonly pointer: string; readonly detail: string }[] {
  return error instanceof JobbersHttpError ? error.pointers : [];
}

/** Facts for programs; of a failed run, where it failed. */
function detailOf(error: JobbersError | JobbersHttpError): unknown {
  if (error instanceof JobbersHttpError) {
    const { status, pointers, facts } = error;
    if (facts !== undefined) return facts;
    return pointers.length > 0 ? { status, errors: pointers } : undefined;
  }
  if (error.code !== "run-failed") return error.detail;
  const { run, step, attempts, error: cause } = error as RunFailed;
  return { run, step, attempts, error: cause };
}

/** The code of an error of Jobbers' own; told by its code, for a workflow file may bring its own copy of the class. */
export function codeOf(error: unknown): ErrorCode | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" && Object.hasOwn(errorCatalogue, code) ? (code as ErrorCode) : undefined;
}
