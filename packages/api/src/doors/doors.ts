import { JobbersError } from "@jobbers/core";
import type { Context } from "hono";
import { createHostCheck } from "./hosts.js";
import { checkSite } from "./sites.js";
import { createTokenCheck } from "./tokens.js";

/** Who may come in, and by which name. */
export interface DoorOptions {
  readonly hosts?: readonly string[] | undefined;
  readonly tokens?: readonly string[] | undefined;
}

/** Paths that are open to who has no token: they tell nothing. */
const open = new Set(["/healthz"]);

/**
 * Makes the check that each request passes before its route is looked at; it throws what is to be answered.
 *
 * @throws JobbersError `flag-invalid` for a token of the wrong form
 */
export function createDoors({ hosts, tokens }: DoorOptions): (c: Context) => void {
  const checkHost = createHostCheck(hosts);
  const isToken = tokens !== undefined && tokens.length > 0 ? createTokenCheck(tokens) : undefined;
  return (c) => {
    // In the same process there is no Host header; what the caller calls is in the URL then.
    checkHost(c.req.header("host") ?? new URL(c.req.url).host);
    const known = isToken?.(c.req.header("authorization"));
    const { method } = c.req.raw;
    if (method !== "GET" && method !== "HEAD" && known !== true) checkSite(c.req.header("sec-fetch-site"));
    if (known === false && !open.has(c.req.path))
      throw new JobbersError("unauthorized", "this server asks for a token; send Authorization: Bearer jb_…");
  };
}
