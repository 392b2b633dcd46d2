import { quoted } from "../values/quoted.js";
import { BLOB_NAME } from "./blobs.js";

/** Where a large value lies, in the value's place in the store. */
export interface BlobRef {
  /** The place that it was written to, as {@link Blobs.url} had it: for people. A reader looks for the name in its own place. */
  readonly place: string;
  readonly name: string;
  /** How long its JSON is, and its SHA-256 as 64 hexadecimal digits. */
  readonly bytes: number;
  readonly sha256: string;
}

/** What no JSON text begins with, so that no user's value is ever taken for a reference. */
const MARK = "@blob ";

/** The text that stands in the store for a large value. */
export function blobRefText({ place, name, bytes, sha256 }: BlobRef): string {
  return MARK + JSON.stringify({ place, name, bytes, sha256 });
}

/** Whether a text stands for a large value. */
export function isBlobRef(text: string | null | undefined): text is string {
  return typeof text === "string" && text.charCodeAt(0) === 64 && text.startsWith(MARK);
}

/** Reads such a text; throws a `SyntaxError` for one that this version does not know. */
export function readBlobRef(text: string): BlobRef {
  const ref = JSON.parse(text.slice(MARK.length)) as BlobRef;
  if (BLOB_NAME.test(ref.name) && Number.isSafeInteger(ref.bytes) && /^[0-9a-f]{64}$/.test(ref.sha256))
    return ref;
  throw new SyntaxError(`${quoted(text)} is no reference to a blob`);
}

/** The name of a run's blob: readable, of safe characters only, and told from all others by its hash. */
export function blobName(run: string, key: string, sha256: string): string {
  return `${run}/${key.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 100)}.${sha256}`;
}
