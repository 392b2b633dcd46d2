import { fileURLToPath } from "node:url";
import { JobbersError, quoted } from "@jobbers/core";

/** A directory, as its URL names it. */
export interface Place {
  readonly url: string;
  readonly path: string;
}

/**
 * Reads a URL.
 *
 * @throws JobbersError `flag-invalid`
 */
export function placeOf(url: string): Place {
  try {
    const parsed = new URL(url);
    if (/^file:\/\/\/./i.test(url) && parsed.search === "" && parsed.hash === "" && parsed.pathname !== "/") {
      const path = fileURLToPath(parsed).replace(/(?<=.)\/+$/, "");
      return { url: parsed.href.replace(/\/+$/, ""), path };
    }
  } catch {}
  throw new JobbersError(
    "flag-invalid",
    `blobs is ${quoted(url)}; a directory is written with its whole path, as in file:///mnt/jobs`,
  );
}
