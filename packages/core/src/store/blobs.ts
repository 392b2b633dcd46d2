/**
 * The Blobs port: a place for values that are too large for the store, such as a directory that all machines share, or a bucket.
 *
 * Rules that hold for all verbs:
 * - A name is `FOLDER/FILE`, each of {@link BLOB_NAME}'s characters. The folder is the run, so that all of a run goes at once.
 * - A blob is there whole or not at all, and when `put` has resolved it outlives a power cut. Putting a name again writes the same
 *   content again, because the name holds its hash.
 * - Every verb may be repeated. One rejects with `blob-unwritable` (put) or `blob-unreachable` (all else), with nothing else.
 */
export interface Blobs {
  /** Where it is, without secrets: `file:///mnt/jobs`, `s3://bucket/prefix`. */
  readonly url: string;
  /** Writes a blob. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Reads a blob; `undefined` when the place can be reached and has none of that name. */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Deletes a folder with all that is in it; one that is not there is no error. */
  deleteAll(folder: string): Promise<void>;
  /** Ends connections; what is under way may be cut off. */
  close(): Promise<void>;
}

const part = "[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}";

/** The form of a blob's name: two parts that mean nothing to a file system or a URL. */
export const BLOB_NAME: RegExp = new RegExp(`^${part}/${part}$`);

/** The form of a folder. */
export const BLOB_FOLDER: RegExp = new RegExp(`^${part}$`);
