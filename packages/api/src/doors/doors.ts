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

/** Methods that change nothing, whatever is there. */
const safe = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Makes the check that each request passes before its route is looked at; it throws what is to be answered.
 *
 * @param open the paths that are open to who has no token: they tell nothing of what is in the store
 * @throws JobbersError `flag-invalid` for a token of the wrong form
 */
export function createDoors({ hosts, tokens }: DoorOptions, open: ReadonlySet<string>): (c: Context) => void {
  const checkHost = createHostCheck(hosts);
  const isToken = tokens !== undefined && tokens.length > 0 ? createTokenCheck(tokens) : undefined;
  return (c) => {
    // In the same process there is no Host header; what the caller calls is in the URL then.
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    checkHost(host);
    const known = isToken?.(c.req.header("authorization"));
    const { method } = c.req.raw;
    if (!safe.has(method) && known !== true)
      checkSite(c.req.header("sec-fetch-site"), c.req.header("origin"), host);
    if (known === false && !open.has(c.req.path))
      throw new JobbersError("unauthorized", "this server asks for a token; send Authorization: Bearer jb_…");
  };
}
