import { type Finding, NOT_PERMITTED } from "@jobbers/core";
import type { Redis } from "ioredis";
import { durabilityFinding } from "./durability.js";
import { bytes, type Facts, factsOf } from "./facts.js";
import { messageOf, sayElsewhere } from "./faults.js";
import type { Keys } from "./keys.js";

/** The version below which scripts lack what they use. */
const OLDEST = 7;

/** Less than this part of `maxmemory` left is too little to sleep well. */
const LITTLE = 0.1;

/** What the server itself says: its version, memory, persistence, role and clock. */
export async function serverFindings(redis: Redis, keys: Keys, url: string): Promise<Finding[]> {
  const facts = await factsOf(redis);
  return [
    versionFinding(facts),
    evictionFinding(facts),
    memoryFinding(facts),
    durabilityFinding(facts),
    roleFinding(facts),
    await clusterFinding(redis, facts, keys, url),
    await clockFinding(redis),
  ];
}

/** A finding about what the server does not let us see. */
function unknown(name: string, sentence: string): Finding {
  return { name, level: "warn", value: NOT_PERMITTED, sentence };
}

function versionFinding({ info }: Facts): Finding {
  const version = info("redis_version");
  if (!version) return unknown("version", `ask whoever runs it whether it is ${OLDEST}.0 or newer`);
  const isNew = Number.parseInt(version, 10) >= OLDEST;
  return {
    name: "version",
    level: isNew ? "ok" : "fail",
    value: version,
    sentence: isNew ? "new enough" : `Jobbers needs ${OLDEST}.0 or newer; upgrade the server`,
  };
}

function evictionFinding({ info, config }: Facts): Finding {
  const value = config("maxmemory-policy") ?? info("maxmemory_policy");
  if (!value) return unknown("eviction", "make sure that maxmemory-policy is noeviction");
  const isSafe = value === "noeviction";
  const sentence = isSafe
    ? "nothing is deleted when memory is short; submits are refused then, and running work finishes"
    : "the server would delete runs when memory is short; set maxmemory-policy to noeviction";
  return { name: "eviction", level: isSafe ? "ok" : "fail", value, sentence };
}

function memoryFinding({ info }: Facts): Finding {
  const used = Number(info("used_memory"));
  const most = Number(info("maxmemory"));
  if (!info("used_memory")) return unknown("memory", "watch how much is left in another way");
  if (!most) {
    const total = Number(info("total_system_memory") ?? 0);
    const value = `${bytes(used)} used, no maxmemory${total ? ` of ${bytes(total)} in the machine` : ""}`;
    const sentence =
      "the server may grow until the machine kills it; set maxmemory below what the machine has";
    return { name: "memory", level: "warn", value, sentence };
  }
  const left = Math.max(0, most - used);
  const level = left === 0 ? "fail" : left < most * LITTLE ? "warn" : "ok";
  const sentence =
    level === "ok"
      ? "there is room"
      : level === "warn"
        ? "soon submits will be refused; raise maxmemory, or keep ended runs for less long"
        : "submits are refused, while running work finishes; raise maxmemory, or let ended runs be purged";
  return { name: "memory", level, value: `${bytes(left)} of ${bytes(most)} left`, sentence };
}

function roleFinding({ info, config }: Facts): Finding {
  const name = "role";
  const role = info("role");
  if (!role) return unknown(name, "make sure that it is no replica");
  const replicas = Number(info("connected_slaves") ?? 0);
  if (role !== "master") {
    const sentence = "it takes no writes; give the URL of its master";
    return { name, level: "fail", value: "replica", sentence };
  }
  // Told only where the server asks for any.
  const good = info("min_slaves_good_slaves");
  const least = Number(config("min-replicas-to-write") ?? 1);
  if (good !== undefined && Number(good) < least) {
    const sentence = `it refuses all writes: min-replicas-to-write is ${least}, and of its replicas ${good} keep up; bring them back, or lower it`;
    return { name, level: "fail", value: `master, ${replicas} replicas`, sentence };
  }
  const sentence =
    replicas > 0
      ? "a replica may be behind: what was acknowledged last can be lost in a failover"
      : "it has no replica: while it is down, nothing goes on";
  return { name, level: "ok", value: `master, ${replicas} replicas`, sentence };
}

async function clusterFinding(redis: Redis, { info }: Facts, keys: Keys, url: string): Promise<Finding> {
  const name = "cluster";
  if (info("cluster_enabled") !== "1")
    return { name, level: "ok", value: "off", sentence: "one server has all keys" };
  const error = await redis.get(keys.schema).catch(messageOf);
  if (/^MOVED /.test(error ?? ""))
    return { name, level: "fail", value: "another node", sentence: `${url} ${sayElsewhere(url)}` };
  const sentence = "all keys of a store stand in one slot, and this node has it";
  return { name, level: "ok", value: "on", sentence };
}

/** How far two clocks may be apart before people wonder about what they read. */
const APART_MS = 2_000;

async function clockFinding(redis: Redis): Promise<Finding> {
  const before = Date.now();
  const time = await redis.time().catch(() => undefined);
  if (!time) return unknown("clock", "the store's clock cannot be compared with this one");
  const apart = Math.round(Number(time[0]) * 1000 + Number(time[1]) / 1000 - (before + Date.now()) / 2);
  const isFar = Math.abs(apart) > APART_MS;
  const sentence = isFar
    ? "delays are right, as the store's clock alone counts, but instants given by callers mean something else there; set both by NTP"
    : "near enough to this process";
  return { name: "clock", level: isFar ? "warn" : "ok", value: `${apart} ms apart`, sentence };
}
