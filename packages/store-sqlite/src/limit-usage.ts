import {
  HOLDERS_SHOWN,
  type LimitPlace,
  type LimitUsage,
  opensAtMs,
  type SlotHolder,
  shareAt,
  type Throttling,
  throttled,
} from "@jobbers/core";
import type { Sql } from "./driver.js";
import { countSlots, readBucket, roomOf, writeBucket } from "./limit-meters.js";
import { limitsTextOf, readDefinition, readRules, readUses } from "./limit-rules.js";
import { stepBehind } from "./report.js";
import type { Unit } from "./unit.js";

/** How one key of a limit stands. */
export function readUsage(sql: Sql, nowMs: number, limit: string, key: string, cost = 1): LimitPlace {
  const definition = readDefinition(sql, limit);
  const bucket = readBucket(sql, limit, key, definition);
  const used = countSlots(sql, limit, key);
  const setting = definition?.setting;
  const untilMs = bucket?.throttle?.untilMs ?? 0;
  const opens = setting && "rate" in setting ? opensAtMs(setting, bucket, cost, nowMs) : untilMs;
  const share = shareAt(bucket?.throttle, nowMs);
  return {
    ...{ limit, key, nowMs, setting, used, cost },
    holders: used === 0 ? [] : holdersOf(sql, limit, key),
    ...(opens > nowMs && { opensAtMs: opens }),
    ...(untilMs > nowMs && { throttledUntilMs: untilMs }),
    ...(share < 1 && { share }),
    parked: countParked(sql, limit, key),
    isShut: roomOf({ name: limit, key, definition, bucket, used }, cost, nowMs) < 1,
  };
}

export function readLimit(sql: Sql, nowMs: number, limit: string, key: string): LimitUsage {
  const { cost: _cost, isShut: _isShut, ...usage } = readUsage(sql, nowMs, limit, key);
  return usage;
}

function countParked(sql: Sql, limit: string, key: string): number {
  return (sql.tuple("SELECT count(*) FROM lines WHERE parked = ?", `${limit}\n${key}`) as [number])[0];
}

function holdersOf(sql: Sql, limit: string, key: string): SlotHolder[] {
  const select =
    "SELECT runs.id AS run, slots.address AS address, sessions.id AS session, sessions.worker AS worker FROM slots " +
    "JOIN runs ON runs.seq = slots.run JOIN sessions ON sessions.seq = slots.session " +
    "WHERE slots.name = ? AND slots.key = ? LIMIT ?";
  return sql.all<SlotHolder>(select, limit, key, HOLDERS_SHOWN).map((row) => ({ ...row }));
}

/** What a step stands under that is to run: its limits as text. */
export function limitsOf(sql: Sql, needs: string, queue: string, own: string | null): string {
  return limitsTextOf(readRules(sql, needs, queue), own) ?? "";
}

/** Lets no step start for a while under the limits of a step that runs. */
export function throttle(unit: Unit, { lease, forMs, limits }: Throttling): string[] {
  const step = stepBehind(unit, lease);
  if (!step || step.fence !== lease.fence || step.session === null) return [];
  const uses = readUses(limitsOf(unit.sql, step.spec.needs, step.spec.queue, step.limits));
  const keyed = uses.filter(({ key }) => key !== "");
  const meant = limits ? uses.filter(({ limit }) => limits.includes(limit)) : keyed.length > 0 ? keyed : uses;
  for (const { limit, key } of meant) {
    const known = readBucket(unit.sql, limit, key, readDefinition(unit.sql, limit));
    const bucket = throttled(known, forMs, unit.now);
    writeBucket(unit.sql, limit, key, bucket);
    unit.limits.ringAt(limit, key, bucket.throttle?.untilMs ?? unit.now);
  }
  return meant.map(({ limit }) => limit);
}
