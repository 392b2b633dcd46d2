import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { isAbsent, isForbidden } from "./audit-error.js";
import { isInside, type Manifest } from "./manifest.js";

/** What a package takes on disk: its own files, without those of packages nested in it. */
export const size = z.object({ files: z.number(), bytes: z.number() });
export type Size = z.infer<typeof size>;

const AT_ONCE = 16;

/** Counts and measures the files of the package at `path`; links are not followed. */
export async function measurePackage(dir: string, path: string, { state }: Manifest): Promise<Size> {
  const total: Size = { files: 0, bytes: 0 };
  if (state === "missing" || !isInside(path)) return total;
  const top = join(dir, path);
  const folders = [top];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await list(folder);
    for (const entry of entries) {
      // Only the top node_modules holds other packages; deeper ones are the package's own files, fixtures mostly.
      const nested = folder === top && entry.name === "node_modules";
      if (entry.isDirectory() && !nested) folders.push(join(folder, entry.name));
    }
    const files = entries.filter((entry) => entry.isFile()).map(({ name }) => join(folder, name));
    for (let i = 0; i < files.length; i += AT_ONCE) {
      for (const bytes of await Promise.all(files.slice(i, i + AT_ONCE).map(fileSize))) {
        if (bytes === undefined) continue;
        total.files += 1;
        total.bytes += bytes;
      }
    }
  }
  return total;
}

async function list(folder: string): Promise<Dirent[]> {
  return await orWithout(readdir(folder, { withFileTypes: true }), []);
}

async function fileSize(path: string): Promise<number | undefined> {
  const stats = await orWithout(lstat(path), undefined);
  return stats?.size;
}

/** What lies in a package may vanish while it is measured (a cache), or be closed to this user; it then does not count. */
async function orWithout<T, U>(call: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await call;
  } catch (error) {
    if (isAbsent(error) || isForbidden(error)) return otherwise;
    throw error;
  }
}
