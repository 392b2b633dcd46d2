import { type ErrorCode, JobbersError } from "@jobbers/core";

/** What a server says of itself when it refuses: the `<Code>` of its answer, where it has one. */
export function wordIn(body: string): string | undefined {
  return /<Code>([A-Za-z0-9]{1,60})<\/Code>/.exec(body)?.[1];
}

/** A refusal in the port's words. */
export function refusal(url: string, status: number, body: string, code: ErrorCode): JobbersError {
  const word = wordIn(body);
  const why =
    word === "NoSuchBucket"
      ? "there is no such bucket"
      : status === 403
        ? "these keys may not do that, or are wrong"
        : status === 507 || word === "QuotaExceeded" || word === "XMinioStorageFull"
          ? "it has no room left"
          : "its server refuses";
  return new JobbersError(code, `${url}: ${why} (HTTP ${status}${word ? ` ${word}` : ""})`);
}

/** No answer at all, in the port's words. */
export function silence(url: string, error: unknown, code: ErrorCode): JobbersError {
  const cause = (error as Error).cause ?? error;
  const message = (cause as Error).message || (cause as NodeJS.ErrnoException).code || String(cause);
  return new JobbersError(code, `${url}: its server does not answer (${message})`, { cause: error });
}
