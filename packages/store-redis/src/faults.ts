import { type ErrorCode, JobbersError } from "@jobbers/core";

/**
 * What an error of Redis or of the connection means.
 * - `away`: the server cannot answer for the moment, or the connection broke. Nobody knows whether a call that was under way was
 *   executed; every verb may be repeated, so it is.
 * - `degraded`: the server answers, but refuses to write; nothing of the call was kept.
 * - `foreign`: another program's key stands in our place.
 * - `elsewhere`: this node of a cluster does not have the store.
 * - `torn`: this node of a cluster has the store in part, because its slot is being moved. A script may have been cut off half-way, and
 *   would be again.
 * - `barred`: the user may run the script, but not a command in it. What the script had written before that stands.
 */
export type FaultClass = "away" | "degraded" | "foreign" | "elsewhere" | "torn" | "barred" | "other";

const away =
  /^(READONLY|LOADING|UNBLOCKED|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|ASK |BUSY )|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|Connection is closed|aborted due to connection close|WAIT cannot be used with replica|Command timed out|Stream isn't writeable|max retries per request|Socket timeout/i;
const degraded = /^(-)?(OOM|MISCONF|NOREPLICAS|NOPERM|NOAUTH|WRONGPASS)\b/;

/** Tells errors apart by their texts: Redis has no other codes. */
export function classOf(error: unknown): FaultClass {
  const message = messageOf(error);
  if (/WRONGTYPE/.test(message)) return "foreign";
  if (/^MOVED /.test(message)) return "elsewhere";
  if (/access a non local key/.test(message)) return "torn";
  if (/user executing the script can't/i.test(message)) return "barred";
  if (away.test(message) || away.test(codeOf(error))) return "away";
  if (degraded.test(message) || /\bOOM command not allowed|MISCONF Redis/.test(message)) return "degraded";
  return "other";
}

/** Says in a sentence what the server could not do; errors that are not Redis' come back as they are. */
export function faultOf(error: unknown, url: string): unknown {
  if (error instanceof JobbersError) return error;
  const what = messageOf(error);
  switch (classOf(error)) {
    case "away":
      return fault("store-busy", `${url} does not answer; the call may be repeated (Redis: ${what})`, error);
    case "degraded":
      return fault(
        "store-unwritable",
        `${url} refuses to write: nothing of this call was kept (Redis: ${what})`,
        error,
      );
    case "foreign":
      return fault(
        "store-not-a-database",
        `a key of another program stands in Jobbers' place in ${url} (Redis: ${what})`,
        error,
      );
    case "elsewhere":
      return fault("store-unfit", `${url} ${sayElsewhere(url)} (Redis: ${what})`, error);
    case "torn":
      return fault(
        "store-unfit",
        `the slot of ${url} is being moved to another node: stop the workers, wait for its end, and run jobbers fsck --repair (Redis: ${what})`,
        error,
      );
    case "barred":
      return fault(
        "store-refused",
        `${url} refuses a command of a script to this user, which may have left it half done: give it the rights in jobbers.acl of @jobbers/store-redis, and run jobbers fsck --repair (Redis: ${what})`,
        error,
      );
    default:
      return error;
  }
}

/** What is told of a node of a cluster that another node's store was asked of. */
export function sayElsewhere(url: string): string {
  const other = url.replace(/^(rediss?)(\+\w+)?:/, "$1+cluster:").replace(/\/\d*$/, "");
  return `is a node of a Redis Cluster that has the store on another node; write ${other}`;
}

export function fault(code: ErrorCode, message: string, cause?: unknown): JobbersError {
  return new JobbersError(code, message, cause === undefined ? {} : { cause });
}

/** The error of a verb that is called on a closed store. */
export function closedError(url: string): JobbersError {
  return fault("store-closed", `the store ${url} is closed`);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" ? code : "";
}
