import { createClient, type JobbersClient, serverUrl } from "@jobbers/client";
import { sharedFlags } from "./command.js";
import { flagError } from "./flags.js";
import { withExistingStore, withStore } from "./store.js";

/** The way in that a command takes: a server, or a store without one. Both speak the same API. */
export interface Door {
  readonly client: JobbersClient;
  /** What is behind it, without secrets, for messages. */
  readonly where: string;
}

/** The flags of commands that speak to a server or to a store. */
export const doorFlags = {
  url: {
    type: "string",
    valueHint: "URL",
    description: "The server to speak to (default: $JOBBERS_URL, else no server but the store)",
  },
  token: {
    type: "string",
    valueHint: "TOKEN",
    description: "The token that the server asks for (default: $JOBBERS_TOKEN, which other users do not see)",
  },
  ...sharedFlags,
} as const;

/** What a command line says of the door. */
export interface DoorArgs {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly store?: string | undefined;
  readonly blobs?: string | undefined;
}

/** How long a command tries to reach a server: somebody sits in front of it. */
const TIMEOUT_MS = 5_000;

/**
 * Does something through the API, of a server or, in this process, of a store, and closes what it opened.
 *
 * @param how `look`: a store that is not there yet is an error; `make`: it is made
 * @throws JobbersError `flag-invalid` when both a server and a store are named; what opening a store throws
 */
export async function withDoor<T>(
  args: DoorArgs,
  how: "look" | "make",
  use: (door: Door) => Promise<T>,
): Promise<T> {
  const url = meantUrl(args);
  if (url !== undefined) {
    const token = checkToken(args.token ?? (process.env.JOBBERS_TOKEN || undefined));
    return use({ client: createClient({ url, token, timeoutMs: TIMEOUT_MS }), where: url });
  }
  const open = how === "look" ? withExistingStore : withStore;
  // A flag of the command may be called as what a store is opened with.
  return open({ store: args.store, blobs: args.blobs }, async ({ store }) => {
    // Loaded late: a command that speaks to a server has no use for it.
    const { createApi } = await import("@jobbers/api");
    const api = createApi({ store });
    try {
      return await use({
        client: createClient({ fetch: (request) => api.fetch(request) }),
        where: store.url,
      });
    } finally {
      await api.close();
    }
  });
}

/** Which server is meant, where one is: a flag goes before the environment, whatever that names. */
function meantUrl({ url, token, store, blobs }: DoorArgs): string | undefined {
  if (url !== undefined && store !== undefined)
    throw flagError("--url and --store exclude each other: the server has a store of its own");
  if (url !== undefined && blobs !== undefined)
    throw flagError("--url and --blobs exclude each other: the server knows where large values lie");
  const meant = url ?? (store === undefined ? process.env.JOBBERS_URL || undefined : undefined);
  if (meant !== undefined) return checkUrl(meant, url === undefined ? "JOBBERS_URL" : "--url");
  if (token !== undefined) throw flagError("--token goes with --url; a store asks for no token");
  return undefined;
}

/** What is no token at all, and may be a part of one, is not shown. */
function checkToken(token: string | undefined): string | undefined {
  const trimmed = token?.trim();
  if (trimmed === undefined || /^[\x21-\x7e]+$/.test(trimmed)) return trimmed;
  throw flagError(
    "the token (--token or JOBBERS_TOKEN) has characters in it that none has; it takes jb_<id>_<secret>",
  );
}

function checkUrl(text: string, name: string): string {
  try {
    return serverUrl(text, name);
  } catch (error) {
    throw flagError((error as Error).message);
  }
}
