/** What the audit cannot go on without is missing or broken; the message says what to do about it. */
export class AuditError extends Error {
  override readonly name = "AuditError";
}

/** The system's code of a failed call (`ENOENT`), because its message would carry a path of this machine. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Whether the failure says "there is no such thing here" rather than "it cannot be read". */
export function isAbsent(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Whether this user may not look at the file or folder, which no second try will change. */
export function isForbidden(error: unknown): boolean {
  const code = systemCode(error);
  return code === "EACCES" || code === "EPERM";
}
