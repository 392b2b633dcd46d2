import { JobbersError } from "@jobbers/core";

/** SQLite's primary result codes that mean something to whoever runs Jobbers. */
const codes = {
  busy: 5,
  locked: 6,
  readonly: 8,
  ioerr: 10,
  corrupt: 11,
  full: 13,
  cantopen: 14,
  notadb: 26,
} as const;

/** SQLite's primary result code in an error of the driver, 0 where there is none. */
function codeOf(error: unknown): number {
  const { errcode } = (error ?? {}) as { errcode?: unknown };
  return typeof errcode === "number" ? errcode & 0xff : 0;
}

/** True when another connection holds the lock that was asked for. */
export function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code === codes.busy || code === codes.locked;
}

/** True when a file is there that SQLite cannot read. */
export function isNoDatabase(error: unknown): boolean {
  return codeOf(error) === codes.notadb || codeOf(error) === codes.corrupt;
}

/** Says in a sentence what the database could not do; errors that are not SQLite's come back as they are. */
export function faultOf(error: unknown, url: string): unknown {
  if (error instanceof JobbersError) return error;
  const nothing = "nothing of this call was kept, and it may be repeated";
  switch (codeOf(error)) {
    case codes.busy:
    case codes.locked:
      return fault("store-busy", `another process held ${url} locked for too long; ${nothing}`, error);
    case codes.full:
      return fault("store-unwritable", `the disk under ${url} is full; make room: ${nothing}`, error);
    case codes.readonly:
      return fault("store-unwritable", `${url} cannot be written; check its permissions: ${nothing}`, error);
    case codes.ioerr:
      return fault("store-unwritable", `the disk under ${url} failed; check it: ${nothing}`, error);
    case codes.cantopen:
      return fault("store-unwritable", `${url} cannot be opened; check its directory and permissions`, error);
    case codes.corrupt:
    case codes.notadb:
      return fault("store-not-a-database", `the file of ${url} is damaged or no database`, error);
    default:
      return error;
  }
}

function fault(
  code: "store-busy" | "store-unwritable" | "store-not-a-database",
  message: string,
  error: unknown,
): JobbersError {
  const reason = error instanceof Error ? ` (SQLite: ${error.message})` : "";
  return new JobbersError(code, message + reason, { cause: error });
}

/** The error of a submission that asks a replica to confirm it. */
export function noReplica(url: string): JobbersError {
  const why = `${url} is one database without replicas, so durability "replica" cannot be had here`;
  const message = `${why}; nothing was written. Leave it out, or use a Redis store`;
  return new JobbersError("flag-invalid", message);
}
