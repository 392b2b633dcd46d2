import { type Finding, NOT_PERMITTED } from "@jobbers/core";
import type { Redis } from "ioredis";
import type { Keys } from "./keys.js";
import { inspectingCommands, neededCommands } from "./needs.js";

const FILE = "jobbers.acl of @jobbers/store-redis";

/** Who we are, and whether that user may send what Jobbers sends. */
export async function accessFinding(redis: Redis, keys: Keys): Promise<Finding> {
  const name = "access";
  const user = await redis.acl("WHOAMI").catch(() => undefined);
  if (user === undefined) {
    const sentence = `who we are is not told; if commands are refused later, compare the user with ${FILE}`;
    return { name, level: "warn", value: NOT_PERMITTED, sentence };
  }
  const refused: string[] = [];
  for (const command of new Set<string>([...neededCommands, ...inspectingCommands])) {
    const verdict = await dryRun(redis, user, command, keys.clock);
    if (verdict === undefined) {
      const sentence = `what it may do is not told; compare it with the ${neededCommands.length} commands in ${FILE}`;
      return { name, level: "warn", value: `user ${user}, commands ${NOT_PERMITTED}`, sentence };
    }
    if (!verdict) refused.push(command);
  }
  const missing = refused.filter((each) => (neededCommands as readonly string[]).includes(each));
  if (missing.length > 0) {
    const sentence = `work would come to a stop: allow this user ${missing.join(", ")} on ${keys.prefix}*, as ${FILE} does`;
    return { name, level: "fail", value: `user ${user}, ${missing.length} commands refused`, sentence };
  }
  const sentence =
    refused.length > 0
      ? `all work goes, but fsck needs ${refused.join(", ")} on ${keys.prefix}* besides, as the user jobbers-doctor of ${FILE} has`
      : "all commands that Jobbers sends are allowed";
  return { name, level: refused.length > 0 ? "warn" : "ok", value: `user ${user}`, sentence };
}

/** Absent where the server does not tell. What is wrong with the arguments alone is no refusal. */
async function dryRun(
  redis: Redis,
  user: string,
  command: string,
  key: string,
): Promise<boolean | undefined> {
  try {
    const args = argumentsOf[command] ?? [key, "1", "1"];
    const reply = String(
      await redis.call("ACL", "DRYRUN", user, command, ...args.map((each) => (each === KEY ? key : each))),
    );
    return reply === "OK" || !/permission|no permissions/i.test(reply);
  } catch (error) {
    return /wrong number|syntax/i.test((error as Error).message) ? true : undefined;
  }
}

const KEY = "<key>";

/** Arguments that the number or the place of keys depends on. */
const argumentsOf: Readonly<Record<string, readonly string[]>> = {
  SELECT: ["0"],
  INFO: [],
  TIME: [],
  SCAN: ["0"],
  EVAL: ["return 1", "1", KEY],
  EVALSHA: ["0", "1", KEY],
  BLPOP: [KEY, "1"],
  DEL: [KEY],
  EXISTS: [KEY],
  UNLINK: [KEY],
  GET: [KEY],
  MGET: [KEY],
  ZCARD: [KEY],
  HGETALL: [KEY],
  HKEYS: [KEY],
  HVALS: [KEY],
  HLEN: [KEY],
  LLEN: [KEY],
  SMEMBERS: [KEY],
  TYPE: [KEY],
  PTTL: [KEY],
  HGET: [KEY, "f"],
  HEXISTS: [KEY, "f"],
  LINDEX: [KEY, "0"],
  SISMEMBER: [KEY, "m"],
  ZSCORE: [KEY, "m"],
  SET: [KEY, "v"],
  HSCAN: [KEY, "0"],
  ZSCAN: [KEY, "0"],
  XADD: [KEY, "*", "f", "v"],
  LINSERT: [KEY, "BEFORE", "p", "v"],
};
