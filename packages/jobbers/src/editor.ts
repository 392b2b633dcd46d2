import { hostname, userInfo } from "node:os";

/** Who edits from this command line, as it is kept: `ada@host`. */
export function editorHere(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A container's user may have no name.
    return `uid ${process.getuid?.() ?? "?"}@${hostname()}`;
  }
}
