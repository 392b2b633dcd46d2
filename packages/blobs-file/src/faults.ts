import { type ErrorCode, JobbersError } from "@jobbers/core";

/** What the system's words for a fault mean here. */
const meanings: Readonly<Record<string, string>> = {
  ENOSPC: "has no room left",
  EDQUOT: "has no room left for this user",
  EACCES: "may not be used by this user",
  EPERM: "may not be used by this user",
  EROFS: "can only be read",
  ENOTDIR: "is no directory",
  ESTALE: "is no longer what was mounted",
  EIO: "has a fault of its own",
  EMFILE: "cannot be used: this process has too many open files",
};

/** A fault of the file system in the port's words. */
export function faultOf(error: unknown, url: string, code: ErrorCode): JobbersError {
  const { code: word, message } = error as NodeJS.ErrnoException;
  const meaning = word === undefined ? undefined : meanings[word];
  return new JobbersError(code, meaning ? `${url} ${meaning} (${word})` : `${url}: ${message}`, {
    cause: error,
  });
}

/** The directory is not there, or is none that blobs were ever written to. */
export function notThere(url: string, code: ErrorCode): JobbersError {
  return new JobbersError(code, `${url} is not there; make the directory, or mount the share`);
}

/** Whether it was said that there is no such file. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
