import { randomBytes } from "node:crypto";
import { access, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BLOB_FOLDER, BLOB_NAME, type Blobs } from "@jobbers/core";
import { faultOf, isMissing, notThere } from "./faults.js";
import { placeOf } from "./place.js";

/** By this file a directory is known in which blobs were written: without it, the share is not mounted. */
const SIGN = ".jobbers-blobs";

/**
 * Opens a directory for blobs, one folder in it for each run. The directory has to be there: making it would fill a disk below the
 * place where a share is to be mounted.
 *
 * @param url `file:///mnt/jobs`
 * @throws JobbersError `flag-invalid`
 */
export async function openFileBlobs(url: string): Promise<Blobs> {
  const place = placeOf(url);
  const at = (name: string, form: RegExp) => {
    if (!form.test(name)) throw new RangeError(`${JSON.stringify(name)} is no name of a blob`);
    return join(place.path, name);
  };
  return {
    url: place.url,
    async put(name, bytes) {
      const path = at(name, BLOB_NAME);
      try {
        await makeFolder(dirname(path), place.path);
        await writeWhole(path, bytes);
      } catch (error) {
        if (isMissing(error)) throw notThere(place.url, "blob-unwritable");
        throw faultOf(error, place.url, "blob-unwritable");
      }
    },
    async get(name) {
      try {
        return await readFile(at(name, BLOB_NAME));
      } catch (error) {
        if (!isMissing(error)) throw faultOf(error, place.url, "blob-unreachable");
      }
      await access(join(place.path, SIGN)).catch(() => {
        throw notThere(place.url, "blob-unreachable");
      });
      return undefined;
    },
    async deleteAll(folder) {
      try {
        // Somebody may write into it while it is emptied.
        await rm(at(folder, BLOB_FOLDER), { recursive: true, force: true, maxRetries: 3 });
        await access(place.path);
      } catch (error) {
        if (isMissing(error)) throw notThere(place.url, "blob-unreachable");
        throw faultOf(error, place.url, "blob-unreachable");
      }
    },
    async close() {},
  };
}

/** Makes the folder of a run, and signs the directory first; what is there already is left as it is. */
async function makeFolder(folder: string, base: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw error;
  }
  await writeFile(join(base, SIGN), "Large values of Jobbers: one folder a run.\n", { flag: "wx" }).catch(
    () => {},
  );
  await sync(base);
}

/** Writes a file that is there whole or not at all, and outlives a power cut once this resolves. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  const draft = join(folder, `.${randomBytes(9).toString("base64url")}`);
  try {
    const file = await open(draft, "wx", 0o640);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw error;
  }
  await sync(folder);
}

/** Makes sure that what a directory lists is on the disk; some file systems refuse, and do so by themselves. */
async function sync(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } catch (error) {
    if (
      !["EINVAL", "EPERM", "EISDIR", "EBADF", "ENOTSUP"].includes((error as NodeJS.ErrnoException).code ?? "")
    )
      throw error;
  } finally {
    await handle.close();
  }
}
