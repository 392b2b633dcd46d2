import {
  BLOBS_FROM_BYTES,
  type Blobs,
  JobbersError,
  quoted,
  type Size,
  type Store,
  sizeBytes,
  withBlobs,
} from "@jobbers/core";
import { schemeOf } from "./open-store.js";

/** Where large values lie. */
export interface BlobsOptions {
  /**
   * Where values lie that are too large for the store: `file:///mnt/jobs`, a directory that all machines share, or
   * `s3://bucket/prefix?region=eu-central-1` (`&endpoint=https://HOST` for other servers than Amazon's; the keys are
   * `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and `npm install aws4fetch` is needed). Give all processes of a store the same.
   * Default: `JOBBERS_BLOBS`, else the store keeps all values itself.
   */
  readonly blobs?: string | undefined;
  /** What has more JSON than this leaves the store: bytes, or text like "64KiB". Default: `JOBBERS_BLOBS_FROM`, else 64 KiB. */
  readonly blobsFrom?: Size | undefined;
}

/**
 * A store whose large values lie where the options, or else the environment, say. Where that is nowhere, a value that others have put
 * somewhere is an error that says so.
 *
 * @throws JobbersError `flag-invalid`
 */
export async function withBlobsOf(
  store: Store,
  { blobs, blobsFrom }: BlobsOptions,
  environment = process.env,
): Promise<Store> {
  const url = blobs ?? (environment.JOBBERS_BLOBS || undefined);
  const from = blobsFrom ?? (environment.JOBBERS_BLOBS_FROM || BLOBS_FROM_BYTES);
  const fromBytes = sizeBytes(from, blobsFrom === undefined ? "JOBBERS_BLOBS_FROM" : "blobsFrom");
  return withBlobs(store, {
    blobs: url === undefined ? undefined : await openBlobs(url, environment),
    fromBytes,
  });
}

/**
 * Opens the place that a URL names. Only the adapter that is meant is loaded.
 *
 * @throws JobbersError `flag-invalid`
 */
export async function openBlobs(url: string, environment = process.env): Promise<Blobs> {
  const scheme = schemeOf(url);
  if (scheme === "file") {
    const { openFileBlobs } = await import("@jobbers/blobs-file");
    return openFileBlobs(url);
  }
  if (scheme === "s3") {
    const { openS3Blobs } = await import("@jobbers/blobs-s3");
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = environment;
    const { AWS_SESSION_TOKEN: sessionToken, AWS_REGION: region } = environment;
    const credentials =
      accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey, sessionToken } : undefined;
    return openS3Blobs(url, { credentials, region: region || undefined });
  }
  // The rest of a URL that has a scheme may hold a secret, so it is not shown.
  const what =
    scheme === undefined ? `${quoted(url)} is no URL` : `there are no ${quoted(`${scheme}:`)} places`;
  throw new JobbersError("flag-invalid", `blobs: ${what}; it takes file:///PATH or s3://BUCKET/PREFIX`);
}
