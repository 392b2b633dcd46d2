import {
  type Bucket,
  HOLDERS_SHOWN,
  type LimitPlace,
  type LimitSetting,
  type LimitUse,
  opensAtMs,
  repaced,
  roomIn,
  type SlotHolder,
  shareAt,
} from "@jobbers/core";
import type { Redis } from "ioredis";
import type { Keys } from "./keys.js";
import { readDefinition } from "./limits.js";
import { readNow } from "./read-now.js";
import type { Server } from "./server.js";
import { keyText, US, unpackText } from "./text.js";

/** How many slots are looked at for those that are told, and how often. */
const LOOK_AT = 500;
const MAX_LOOKS = 20;

/** How a limit stands for one key, as scripts/shared/limits.lua reckons it. */
export async function readPlace(
  redis: Redis,
  { keys, clock }: Pick<Server, "keys" | "clock">,
  { limit, key, cost }: LimitUse,
): Promise<LimitPlace> {
  const id = `${keyText(limit)}:${keyText(key)}`;
  const [nowMs, text, kept, count, parked] = await Promise.all([
    readNow(redis, keys, clock),
    redis.hget(keys.limits, keyText(limit)),
    redis.hget(keys.buckets(keyText(limit)), keyText(key)),
    redis.hget(keys.used(keyText(limit)), keyText(key)),
    redis.zcard(keys.parked(id)),
  ]);
  const used = Number(count ?? 0);
  const { setting, sinceMs } = inForce(text);
  const found = bucketOf(kept);
  const bucket = found && setting && "rate" in setting ? repaced(found, setting, sinceMs) : found;
  const untilMs = bucket?.throttle?.untilMs ?? 0;
  const opens = setting && "rate" in setting ? opensAtMs(setting, bucket, cost, nowMs) : untilMs;
  const share = shareAt(bucket?.throttle, nowMs);
  return {
    ...{ limit, key, nowMs, setting, used, cost, parked },
    holders: used === 0 ? [] : await holdersOf(redis, keys, { limit, key }),
    ...(opens > nowMs && { opensAtMs: opens }),
    ...(untilMs > nowMs && { throttledUntilMs: untilMs }),
    ...(share < 1 && { share }),
    isShut: (setting !== undefined && untilMs > nowMs) || roomOf(setting, bucket, used, cost, nowMs) < 1,
  };
}

function roomOf(
  setting: LimitSetting | undefined,
  bucket: Bucket | undefined,
  used: number,
  cost: number,
  nowMs: number,
): number {
  if (setting === undefined) return Number.POSITIVE_INFINITY;
  return "rate" in setting ? roomIn(setting, bucket, cost, nowMs) : setting.concurrency - used;
}

/** A limit as it is in force, and since when. */
function inForce(text: string | null): { setting: LimitSetting | undefined; sinceMs: number } {
  if (text === null) return { setting: undefined, sinceMs: 0 };
  const [kind = "", code = "", edit = "", , changed] = text.split(US);
  const known = readDefinition(kind, code, edit);
  const setting = known.edit ?? known.default;
  return { setting: setting === "off" ? undefined : setting, sinceMs: Number(changed ?? 0) };
}

function bucketOf(text: string | null): Bucket | undefined {
  if (text === null) return undefined;
  // Behind it there may be blanks.
  const [paid, until, share, whole] = text.trimEnd().split(",");
  const [paidUs = 0, paceUs] = (paid ?? "").split("/").map(Number);
  if (!until) return { paidUs, paceUs: paceUs || undefined };
  return {
    paidUs,
    paceUs: paceUs || undefined,
    throttle: { untilMs: Number(until), share: Number(share), wholeMs: Number(whole) },
  };
}

async function holdersOf(
  redis: Redis,
  keys: Keys,
  { limit, key }: Pick<LimitUse, "limit" | "key">,
): Promise<SlotHolder[]> {
  const holders: { readonly member: string; readonly session: string }[] = [];
  const prefix = `${keyText(key)}|`;
  let cursor = "0";
  // All keys of a limit stand together, as many as there are attempts.
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const match = ["MATCH", `${prefix}*`, "COUNT", LOOK_AT] as const;
    const [next, found] = await redis.hscan(keys.slots(keyText(limit)), cursor, ...match);
    for (let i = 0; i < found.length && holders.length < HOLDERS_SHOWN; i += 2) {
      const [field, session] = found.slice(i, i + 2) as [string, string];
      // Behind it there may be blanks.
      holders.push({ member: field.slice(prefix.length), session: session.trimEnd() });
    }
    cursor = next;
    if (cursor === "0" || holders.length === HOLDERS_SHOWN) break;
  }
  const workers = redis.pipeline();
  for (const { session } of holders) workers.hget(keys.session(session), "worker");
  const names = (await workers.exec()) ?? [];
  return await Promise.all(
    holders.map(async ({ member, session }, i): Promise<SlotHolder> => {
      const [, run = member, address] = /^([^|]*)\|(.*)\|\d+$/.exec(member) ?? [];
      const worker = names[i]?.[1] as string | null | undefined;
      return {
        run,
        address: address === undefined ? await soleAddress(redis, keys, run) : unpackText(address),
        session,
        ...(worker && { worker: unpackText(worker) }),
      };
    }),
  );
}

/** The address of a single's step, which its kind knows. */
async function soleAddress(redis: Redis, keys: Keys, run: string): Promise<string> {
  const record = await redis.hget(keys.packed, run);
  const kind = record?.startsWith("q") ? await redis.hget(keys.kinds, record.slice(1, 9)) : null;
  return unpackText(kind?.split(US)[8] ?? "");
}
