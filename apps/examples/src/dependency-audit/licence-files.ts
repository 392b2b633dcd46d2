import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isAbsent, isForbidden } from "./audit-error.js";
import { byCodeUnit } from "./order.js";

/** A licence file of a package, with its text. */
export interface LicenceFile {
  readonly file: string;
  readonly text: string;
}

const NAME =
  /^(?:licen[sc]es?|copying|unlicen[sc]e|(?:mit|apache|bsd|isc|gpl|lgpl|mpl)[-_.]licen[sc]e)(?:[-_.].*)?$/i;
// Code about licences, the licences of others, and those of documents and fonts beside the code.
const NOT_THE_LICENCE =
  /\.(?:[cm]?[jt]sx?|json|map|html?|css|ya?ml|docs?)$|third|3rd|notice|vendor|bundled|asset|font|image/i;
const MOST_FILES = 6;
const MOST_BYTES = 512 * 1024;

/** Reads the licence files at the top of a package's folder, sorted by name; of long ones, the first half megabyte. */
export async function readLicenceFiles(folder: string): Promise<LicenceFile[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries
      .filter((entry) => entry.isFile() && NAME.test(entry.name) && !NOT_THE_LICENCE.test(entry.name))
      .map(({ name }) => name)
      .sort(byCodeUnit)
      .slice(0, MOST_FILES);
    return await Promise.all(names.map(async (file) => ({ file, text: await head(join(folder, file)) })));
  } catch (error) {
    if (isAbsent(error) || isForbidden(error)) return [];
    throw error;
  }
}

async function head(path: string): Promise<string> {
  const handle = await open(path);
  try {
    const buffer = Buffer.alloc(Math.min((await handle.stat()).size, MOST_BYTES));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}
