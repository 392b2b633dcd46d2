/**
 * Large values in a bucket of S3, or of a server that speaks like it.
 *
 * @module
 */
export { openS3Blobs, type S3Options } from "./blobs.js";
export type { Credentials } from "./place.js";
