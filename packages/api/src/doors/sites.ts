import { JobbersError, quoted } from "@jobbers/core";

/** Refuses what a page of another site made a browser send; `Sec-Fetch-Site` cannot be set by a page. */
export function checkSite(site: string | undefined): void {
  if (site === undefined || site === "same-origin" || site === "none") return;
  const rule = "requests that change something come from the same origin, or bring a bearer token";
  throw new JobbersError("cross-site", `Sec-Fetch-Site is ${quoted(site)}; ${rule}`);
}
