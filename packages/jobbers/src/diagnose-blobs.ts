import { randomBytes } from "node:crypto";
import { type Blobs, type Finding, type FindingLevel, JobbersError } from "@jobbers/core";
import { openBlobs } from "./open-blobs.js";

/**
 * Looks at the place of large values, where one is meant: writes, reads and deletes a small one.
 *
 * @throws JobbersError `flag-invalid`
 */
export async function diagnoseBlobs(url: string | undefined): Promise<Finding | undefined> {
  const meant = url ?? (process.env.JOBBERS_BLOBS || undefined);
  if (meant === undefined) return undefined;
  const blobs = await openBlobs(meant);
  try {
    const trouble = await troubleOf(blobs);
    return trouble === undefined
      ? finding("ok", blobs.url, "Large values can be written, read and deleted there.")
      : finding("fail", blobs.url, trouble);
  } finally {
    await blobs.close();
  }
}

async function troubleOf(blobs: Blobs): Promise<string | undefined> {
  const folder = `doctor-${randomBytes(6).toString("hex")}`;
  const written = randomBytes(64);
  try {
    await blobs.put(`${folder}/probe`, written);
    const read = await blobs.get(`${folder}/probe`);
    if (!read || !written.equals(read))
      return "What was written there is not what is read; large values would be lost.";
    await blobs.deleteAll(folder);
    if (await blobs.get(`${folder}/probe`))
      return "What was deleted is still there; large values would outlive their runs.";
    return undefined;
  } catch (error) {
    // The catalogue's remedies are for attempts that failed of it; the message says what is wrong with the place.
    if (error instanceof JobbersError)
      return `${error.message}. Until that is mended, steps with large values fail.`;
    throw error;
  }
}

function finding(level: FindingLevel, value: string, sentence: string): Finding {
  return { name: "large values", level, value, sentence };
}
