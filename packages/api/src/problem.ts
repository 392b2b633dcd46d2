import { errorCatalogue, JobbersError, type JsonValue, QUEUE_FULL_RETRY_MS, RunFailed } from "@jobbers/core";
import { InputRefused, type Refused } from "@jobbers/runs";
import type { Problem } from "./wire/problem.js";

export type { Refused };

/** A refusal of parts of a request. */
export class RequestRefused extends JobbersError {
  readonly errors: readonly Refused[];

  constructor(code: RefusalCode, message: string, errors: readonly Refused[] = []) {
    super(code, message);
    this.errors = errors;
  }
}

type RefusalCode = "body-invalid" | "query-invalid" | "input-invalid";

/** The refusal of some parts of a request; its message has the first of them. */
export function refusalOf(
  code: RefusalCode,
  what: string,
  errors: readonly [Refused, ...Refused[]],
): RequestRefused {
  const [{ pointer, detail }] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return new RequestRefused(code, `${what}: ${pointer === "" ? "it" : pointer} ${detail}${more}`, errors);
}

/** What is told of an error; of those that are none of Jobbers' own, nothing. */
export function problemOf(error: unknown, id?: string): Problem {
  const known = error instanceof JobbersError ? error : undefined;
  const code = known?.code ?? "internal";
  const { title, status, remedy } = errorCatalogue[code];
  const facts = known && factsOf(known);
  return {
    type: `/docs/errors#${code}`,
    title,
    status,
    detail: known ? known.message : remedy,
    code,
    ...(id !== undefined && { instance: `/v1/runs/${id}`, id }),
    ...((known instanceof RequestRefused || known instanceof InputRefused) && { errors: [...known.errors] }),
    ...(facts !== undefined && { facts }),
  };
}

/** The same of an error that came as an answer: of what no client learns anything of, whoever runs the API is told. */
export function problemTold(
  { onFault }: { readonly onFault: (error: unknown) => void },
  error: unknown,
  id?: string,
): Problem {
  if (!(error instanceof JobbersError)) onFault(error);
  return problemOf(error, id);
}

function factsOf(error: JobbersError): JsonValue | undefined {
  // Their details are told as `errors`.
  if (error instanceof InputRefused) return undefined;
  if (!(error instanceof RunFailed)) return error.detail;
  const { run, step, attempts } = error;
  return { run, step, error: error.error, attempts };
}

/** Seconds until the same is worth another try: a busy store is soon free, other trouble takes a hand. */
export function retryAfter({ status, code }: Problem): string | undefined {
  if (code === "queue-full") return String(Math.ceil(QUEUE_FULL_RETRY_MS / 1_000));
  if (status !== 503) return undefined;
  return code === "store-busy" || code === "not-replicated" ? "1" : "5";
}

/** Answers with a problem. */
export function refuse(problem: Problem, extra?: Readonly<Record<string, string>>): Response {
  const after = retryAfter(problem);
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: {
      "content-type": "application/problem+json",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
      ...(after !== undefined && { "retry-after": after }),
      ...(problem.code === "unauthorized" && { "www-authenticate": 'Bearer realm="jobbers"' }),
      ...extra,
    },
  });
}

/** The JSON pointer of a path. */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
