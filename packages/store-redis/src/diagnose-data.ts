import { type Finding, NOT_PERMITTED } from "@jobbers/core";
import type { Redis } from "ioredis";
import { accessFinding } from "./access.js";
import { fixedNames, isOfType } from "./check-kinds.js";
import type { Keys } from "./keys.js";
import { MAJOR } from "./schema.js";

/** How many keys are looked at for foreign ones; `jobbers fsck` looks at all. */
const SCANNED = 10_000;

/** What stands in our place of the server, and what this user may do there. */
export async function dataFindings(redis: Redis, keys: Keys): Promise<Finding[]> {
  return [
    await schemaFinding(redis, keys),
    await accessFinding(redis, keys),
    await foreignFinding(redis, keys),
  ];
}

async function schemaFinding(redis: Redis, keys: Keys): Promise<Finding> {
  const name = "schema";
  const found = await redis.get(keys.schema).catch((error: Error) => error);
  if (found instanceof Error) {
    const isForeign = /WRONGTYPE/.test(found.message);
    const sentence = isForeign
      ? `the key ${keys.schema} is not Jobbers'; use another database of the server`
      : "it cannot be read";
    return {
      name,
      level: isForeign ? "fail" : "warn",
      value: isForeign ? "foreign" : NOT_PERMITTED,
      sentence,
    };
  }
  if (found === null) {
    const stranger = await redis.type(keys.clock).catch(() => "none");
    if (stranger === "none")
      return { name, level: "ok", value: "none yet", sentence: "the first opening makes the store" };
    const sentence = `the key ${keys.clock} is not Jobbers'; use another database of the server`;
    return { name, level: "fail", value: "foreign", sentence };
  }
  const [, major] = /^(\d+)\.\d+$/.exec(found) ?? [];
  if (major === undefined) {
    const sentence = `the key ${keys.schema} is not Jobbers'; use another database of the server`;
    return { name, level: "fail", value: "foreign", sentence };
  }
  const isServed = Number(major) === MAJOR;
  const sentence = isServed
    ? "this version serves it"
    : Number(major) > MAJOR
      ? `this Jobbers knows up to ${MAJOR}; upgrade this process`
      : `this Jobbers reads and writes ${MAJOR}; begin with a new database of the server`;
  return { name, level: isServed ? "ok" : "fail", value: found, sentence };
}

async function foreignFinding(redis: Redis, keys: Keys): Promise<Finding> {
  const name = "foreign keys";
  const foreign: string[] = [];
  let seen = 0;
  let cursor = "0";
  try {
    do {
      const [next, page] = await redis.scan(cursor, "MATCH", `${keys.prefix}*`, "COUNT", 1_000);
      const pipeline = redis.pipeline();
      for (const key of page) pipeline.type(key);
      const types = (await pipeline.exec()) ?? [];
      page.forEach((key, i) => {
        const type = String(types[i]?.[1]);
        if (type !== "none" && !isOfType(key.slice(keys.prefix.length), type)) foreign.push(key);
      });
      seen += 1_000;
      cursor = next;
    } while (cursor !== "0" && seen < SCANNED);
  } catch {
    return { name, level: "warn", value: NOT_PERMITTED, sentence: "keys cannot be listed" };
  }
  if (foreign.length === 0) {
    const sentence = `every key under ${keys.prefix} is Jobbers' own${cursor === "0" ? "" : ", as far as was looked; fsck looks at all"}`;
    return { name, level: "ok", value: "none", sentence };
  }
  // Scripts meet these whatever they do; a stray key beside ours harms nobody.
  const blocking = foreign.find((key) => fixedNames.includes(key.slice(keys.prefix.length)));
  if (blocking !== undefined) {
    const sentence = `${blocking} is another program's, in a place that Jobbers needs; move it elsewhere, or use another database of the server`;
    return { name, level: "fail", value: String(foreign.length), sentence };
  }
  const sentence = `another program writes under ${keys.prefix}, for one ${foreign[0]}; give it another prefix`;
  return { name, level: "warn", value: String(foreign.length), sentence };
}
