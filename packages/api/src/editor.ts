import type { Context } from "hono";
import { tokenIdOf } from "./doors/tokens.js";

/** Who edits something, as it is kept: the id of the token, which nobody can make up, and what the caller says of himself. */
export function editorIn(c: Context, said: string | undefined): string {
  const token = tokenIdOf(c.req.header("authorization"));
  if (token === undefined) return said ?? "unknown";
  return said === undefined ? token : `${token} (${said})`;
}
