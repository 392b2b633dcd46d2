import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { isAbsent, isForbidden, systemCode } from "./audit-error.js";

/** A package's own package.json, as far as the audit needs it. */
export const manifest = z.object({
  /** `missing`: there is no such folder or file. `broken`: it is there and cannot be used; `detail` says why. */
  state: z.enum(["found", "missing", "broken"]),
  detail: z.string().optional(),
  name: z.string().optional(),
  version: z.string().optional(),
  /** Its licence statement in one line, whichever of npm's old and new forms it has. */
  licence: z.string().optional(),
});
export type Manifest = z.infer<typeof manifest>;

const words = z.string().optional().catch(undefined);
const fields = z.object({
  name: words,
  version: words,
  license: z.unknown().optional(),
  licenses: z.unknown().optional(),
});

/** Reads the package.json of the package at `path` in the project; what is wrong with it is an answer, not an error. */
export async function readManifest(dir: string, path: string): Promise<Manifest> {
  if (!isInside(path)) return { state: "broken", detail: "the lockfile places it outside the project" };
  let text: string;
  try {
    text = await readFile(join(dir, path, "package.json"), "utf8");
  } catch (error) {
    if (isAbsent(error)) return { state: "missing" };
    const code = systemCode(error) ?? "";
    // Too many open files and the like pass: the step is tried again.
    if (!isForbidden(error) && code !== "EISDIR" && code !== "ELOOP") throw error;
    return { state: "broken", detail: `package.json cannot be read (${code})` };
  }
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return { state: "broken", detail: "package.json is not JSON" };
  }
  const parsed = fields.safeParse(json);
  if (!parsed.success) return { state: "broken", detail: "package.json is not an object" };
  const { name, version, license, licenses } = parsed.data;
  const licence = statement(license) ?? statement(licenses);
  return {
    state: "found",
    ...(name === undefined ? {} : { name }),
    ...(version === undefined ? {} : { version }),
    ...(licence === undefined ? {} : { licence }),
  };
}

/** Whether a lockfile path stays inside the project: a lockfile is only as honest as who wrote it. */
export function isInside(path: string): boolean {
  return path
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== ".." && !part.includes("\\"));
}

/** npm's forms: a text, `{ type, url }` of old, and a list of either, which always meant a choice. */
function statement(value: unknown): string | undefined {
  if (typeof value === "string") return value.trim() === "" ? undefined : value.trim().slice(0, 200);
  if (Array.isArray(value)) {
    const parts = value.map(statement).filter((part) => part !== undefined);
    return parts.length > 1 ? `(${parts.join(" OR ")})` : parts[0];
  }
  if (typeof value !== "object" || value === null) return undefined;
  if ("type" in value && typeof value.type === "string") return statement(value.type);
  return "name" in value ? statement(value.name) : undefined;
}
