import { DEFAULT_HOST, DEFAULT_PORT } from "../server/server.js";
import { flagError, wholeNumber } from "./flags.js";

/** The flags that say where a server listens. */
export const listenFlags = {
  host: {
    type: "string",
    valueHint: "HOST",
    description: `The address to listen on (default: $JOBBERS_HOST, else ${DEFAULT_HOST}); others than this machine's need JOBBERS_TOKENS`,
  },
  port: {
    type: "string",
    valueHint: "N",
    description: `The port, 0 for a free one (default: $JOBBERS_PORT, else ${DEFAULT_PORT})`,
  },
} as const;

/** Where a server listens, and who may call it. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly tokens: readonly string[];
}

/**
 * Reads where a server is to listen: flags, then the environment, then the defaults.
 *
 * @throws JobbersError `flag-invalid`; it never shows a token
 */
export function listenArgs(args: {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
}): Place {
  const { JOBBERS_HOST, JOBBERS_PORT, JOBBERS_TOKENS } = process.env;
  const port = args.port ?? (JOBBERS_PORT || String(DEFAULT_PORT));
  return {
    host: args.host ?? (JOBBERS_HOST || DEFAULT_HOST),
    port: wholeNumber(port, args.port === undefined ? "JOBBERS_PORT" : "--port", 0, 65_535),
    tokens: tokensIn(JOBBERS_TOKENS ?? ""),
  };
}

/** True for a host that stands for all addresses of this machine, those that others can reach included. */
export function isEveryAddress(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** `jb_<id>_<secret>`: what comes before the secret may be shown, the secret has to be long enough that nobody guesses it. */
const tokenForm = /^jb_[A-Za-z0-9-]{1,64}_[A-Za-z0-9_-]{16,256}$/;

/** Reads tokens with commas between them. */
export function tokensIn(text: string): string[] {
  const tokens = text
    .split(",")
    .map((token) => token.trim())
    .filter((token) => token !== "");
  const wrong = tokens.findIndex((token) => !tokenForm.test(token));
  if (wrong < 0) return tokens;
  const form = "jb_<id>_<secret>, the secret at least 16 of A-Za-z0-9_-";
  throw flagError(
    `JOBBERS_TOKENS: token ${wrong + 1} of ${tokens.length} has the wrong form; it takes ${form}`,
  );
}
