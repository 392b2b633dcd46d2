const MAX_CHARS = 60;

/** Shows a value that somebody got wrong in a message: short, on one line, whatever it is. */
export function quoted(value: unknown): string {
  if (typeof value === "string") {
    const start = value.slice(0, MAX_CHARS);
    // Quoting through JSON keeps line breaks and control characters out of terminals and logs.
    return value.length > MAX_CHARS
      ? `${JSON.stringify(start)}… (${value.length} characters)`
      : JSON.stringify(value);
  }
  if (value === null || value === undefined || typeof value === "number" || typeof value === "boolean")
    return `${value}`;
  if (typeof value === "bigint") return `${value}n`.slice(0, MAX_CHARS);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
