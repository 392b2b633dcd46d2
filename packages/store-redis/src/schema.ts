import type { Redis } from "ioredis";
import { fixedNames, isOfType } from "./check-kinds.js";
import { fault, faultOf, messageOf } from "./faults.js";
import type { Keys } from "./keys.js";

/** The layout that this version reads and writes. A newer minor one only adds, and is served; another major one is refused. */
export const MAJOR = 2;
const MINOR = 0;

/** The oldest server that has what the scripts use: flags of scripts. */
const OLDEST = [7, 0] as const;

/** Refuses a server that Jobbers cannot rely on, then marks the place as Jobbers'. */
export async function checkServer(redis: Redis, keys: Keys, url: string): Promise<void> {
  try {
    checkInfo(await redis.info(), url);
    await checkSchema(redis, keys, url);
    await checkTypes(redis, keys, url);
  } catch (error) {
    if (/^NOPERM/.test(messageOf(error))) {
      const advice = "give it the rights in jobbers.acl of @jobbers/store-redis";
      throw fault(
        "store-refused",
        `${url} refuses a command to this user; ${advice} (Redis: ${messageOf(error)})`,
        error,
      );
    }
    throw faultOf(error, url);
  }
}

function checkInfo(info: string, url: string): void {
  const say = (key: string) => new RegExp(`^${key}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
  const version = say("redis_version");
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw fault("store-unfit", `${url} is Redis ${version}; Jobbers needs ${OLDEST.join(".")} or newer`);
  }
  if (say("redis_mode") === "sentinel") {
    throw fault("store-url-invalid", `${url} is a Sentinel; write redis+sentinel://HOST:PORT/MASTER`);
  }
  const role = say("role");
  if (role !== "master") {
    throw fault("store-unfit", `${url} is a replica and takes no writes; give the URL of its master`);
  }
  const policy = say("maxmemory_policy");
  if (policy && policy !== "noeviction") {
    throw fault(
      "store-unfit",
      `${url} would delete runs when memory is short: its maxmemory-policy is ${policy}, Jobbers needs noeviction`,
    );
  }
}

async function checkSchema(redis: Redis, keys: Keys, url: string): Promise<void> {
  const fresh = await redis.get(keys.schema);
  if (fresh === null) {
    const stranger = await redis.type(keys.clock);
    // Another may have made the store since the first look.
    if (stranger !== "none" && (await redis.get(keys.schema)) === null) {
      throw fault(
        "store-not-a-database",
        `${url} has a key ${keys.clock} that is not Jobbers'; use another database of the server`,
      );
    }
    await redis.set(keys.schema, `${MAJOR}.${MINOR}`, "NX");
  }
  const found = (await redis.get(keys.schema)) ?? "";
  const [, major] = /^(\d+)\.\d+$/.exec(found) ?? [];
  if (major === undefined) {
    throw fault(
      "store-not-a-database",
      `${url} has a key ${keys.schema} that is not Jobbers'; use another database of the server`,
    );
  }
  if (Number(major) > MAJOR) {
    throw fault(
      "store-too-new",
      `${url} has schema ${found}, this Jobbers knows up to ${MAJOR}; upgrade this process`,
    );
  }
  if (Number(major) < MAJOR) {
    throw fault(
      "store-too-old",
      `${url} has schema ${found}, this Jobbers reads and writes ${MAJOR}; begin with a new database of the server`,
    );
  }
}

/** A script that met another program's key would stop there, with half of its work written. */
async function checkTypes(redis: Redis, { prefix }: Keys, url: string): Promise<void> {
  const [foreign] = await foreignAmong(redis, prefix, fixedNames);
  if (foreign === undefined) return;
  throw fault(
    "store-not-a-database",
    `${url} has a key ${prefix}${foreign} that is not Jobbers'; move it elsewhere, or use another database of the server`,
  );
}

/** Those of some names under the prefix that have another type than Jobbers gives them. */
async function foreignAmong(redis: Redis, prefix: string, names: readonly string[]): Promise<string[]> {
  const pipeline = redis.pipeline();
  for (const name of names) pipeline.type(`${prefix}${name}`);
  const replies = (await pipeline.exec()) ?? [];
  return names.filter((name, i) => {
    const [error, type] = replies[i] ?? [];
    if (error) throw error;
    return type !== "none" && !isOfType(name, String(type));
  });
}
