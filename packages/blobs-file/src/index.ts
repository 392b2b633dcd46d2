/**
 * Large values in a directory, such as a share that all machines mount.
 *
 * @module
 */
export { openFileBlobs } from "./blobs.js";
