import type { Problem } from "@jobbers/api";
import type { ErrorCode } from "@jobbers/core";
import { JobbersHttpError } from "./errors.js";

/** Reads a refusal, whoever wrote it: a proxy in between answers what it likes. */
export async function errorOf(response: Response): Promise<JobbersHttpError> {
  const text = await response.text();
  const isJson = /\bjson\b/.test(response.headers.get("content-type") ?? "");
  const problem = isJson ? problemIn(text) : undefined;
  const retryAfterMs = retryAfter(response.headers.get("retry-after"));
  return problemError({ ...problem, status: response.status }, retryAfterMs);
}

/** Makes the error of a problem. */
export function problemError(problem: Partial<Problem>, retryAfterMs?: number): JobbersHttpError {
  const { status = 500, title, detail, errors, facts } = problem;
  const code = problem.code ?? codeOf(status);
  const text = detail ?? title ?? `the server answered with status ${status}, and did not say why`;
  return new JobbersHttpError({ code, status, detail: text, pointers: errors, facts, retryAfterMs });
}

function problemIn(text: string): Partial<Problem> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? (value as Partial<Problem>) : undefined;
  } catch {
    return undefined;
  }
}

/** The code for an answer that names none, as those of a proxy. */
function codeOf(status: number): ErrorCode {
  return status === 408 || status === 429 || status >= 500 ? "server-unreachable" : "answer-unexpected";
}

/** Reads `Retry-After`: seconds, or a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
