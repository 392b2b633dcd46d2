import type { Script } from "./script.js";

/** How long is waited for a run that was noted and is not there, and how often the runs that are there are looked at. */
const LOOK_MS = 24 * 60 * 60 * 1000;

export const noteBlobsScript: Script<[runs: readonly string[]], void> = {
  name: "note-blobs",
  encode: (runs) => [LOOK_MS, ...runs],
  decode: () => undefined,
};

export const dueBlobsScript: Script<[limit: number], { runs: string[]; more: boolean }> = {
  name: "due-blobs",
  encode: (limit) => [limit, LOOK_MS],
  decode(reply) {
    const [runs, more] = reply as [string[], number];
    return { runs, more: more === 1 };
  },
};

export const forgetBlobsScript: Script<[runs: readonly string[]], void> = {
  name: "forget-blobs",
  encode: (runs) => [LOOK_MS, ...runs],
  decode: () => undefined,
};
