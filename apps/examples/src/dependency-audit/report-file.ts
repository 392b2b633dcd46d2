import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** Writes a report so that a reader sees the old file or the new one, never a part; returns the file's name. */
export async function writeReport(out: string, name: string, text: string): Promise<string> {
  await mkdir(out, { recursive: true });
  // Two attempts at one step may overlap, so each has a temporary file of its own.
  const temporary = join(out, `.${name}.${randomUUID()}.tmp`);
  try {
    const handle = await open(temporary, "wx");
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, join(out, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return name;
}

/** JSON as the reports have it: indented, ending with a line feed. */
export function reportJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
