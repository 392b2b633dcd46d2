import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { isAbsent } from "./audit-error.js";

/** What a package takes on disk: its own files, without those of packages nested in it. */
export const size = z.object({ files: z.number(), bytes: z.number() });
export type Size = z.infer<typeof size>;

const AT_ONCE = 16;

/** Counts and measures the files under `folder`; links are not followed, and its own `node_modules` is not entered. */
export async function measure(folder: string): Promise<Size> {
  const total = { files: 0, bytes: 0 };
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const current = next;
    const entries = await readdir(current, { withFileTypes: true });
    for (const entry of entries) {
      // Only the top one holds other packages; deeper ones are the package's own files, fixtures mostly.
      const nested = current === folder && entry.name === "node_modules";
      if (entry.isDirectory() && !nested) folders.push(join(current, entry.name));
    }
    const files = entries.filter((entry) => entry.isFile());
    for (let i = 0; i < files.length; i += AT_ONCE) {
      const sizes = await Promise.all(files.slice(i, i + AT_ONCE).map(({ name }) => fileSize(join(current, name))));
      for (const bytes of sizes) {
        if (bytes === undefined) continue;
        total.files += 1;
        total.bytes += bytes;
      }
    }
  }
  return total;
}

async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).size;
  } catch (error) {
    // A cache's file may go between listing and measuring.
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
