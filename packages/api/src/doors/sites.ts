import { JobbersError, quoted } from "@jobbers/core";

const RULE = "requests that change something come from the same origin, or bring a bearer token";

/**
 * Refuses what a page of another site made a browser send; a page can set neither header. A browser leaves out `Sec-Fetch-Site`
 * where it does not trust the connection, as some do on plain http; but with a POST it always says its `Origin`.
 */
export function checkSite(site: string | undefined, origin: string | undefined, host: string): void {
  if (site === "same-origin" || site === "none") return;
  if (site !== undefined) throw refusal(`Sec-Fetch-Site is ${quoted(site)}`);
  if (origin !== undefined && hostOf(origin) !== host.toLowerCase())
    throw refusal(`Origin is ${quoted(origin)}`);
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function refusal(what: string): JobbersError {
  return new JobbersError("cross-site", `${what}; ${RULE}`);
}
