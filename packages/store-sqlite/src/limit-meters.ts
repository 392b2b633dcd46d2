import { type Bucket, forgettableAtMs, type LimitUse, repaced, roomIn, spend } from "@jobbers/core";
import type { Sql } from "./driver.js";
import { type Definition, readDefinition } from "./limit-rules.js";

/** What one key of a limit has let through so far: read once, changed in memory, written once. */
export interface Meter {
  readonly name: string;
  readonly key: string;
  readonly definition: Definition | undefined;
  bucket: Bucket | undefined;
  /** How many slots are taken. */
  used: number;
  dirty: boolean;
}

/** Who takes a slot. */
export interface Taker {
  readonly run: number;
  readonly address: string;
  readonly session: number;
}

/** The meters that one verb reads and changes. */
export class LimitMeters {
  readonly #sql: Sql;
  readonly #nowMs: number;
  readonly #meters = new Map<string, Meter>();
  readonly #definitions = new Map<string, Definition | undefined>();

  constructor(sql: Sql, nowMs: number) {
    this.#sql = sql;
    this.#nowMs = nowMs;
  }

  meter(name: string, key: string): Meter {
    const id = `${name}\n${key}`;
    const known = this.#meters.get(id);
    if (known) return known;
    const definition = this.#definition(name);
    const used = definition?.kind === "concurrency" ? countSlots(this.#sql, name, key) : 0;
    const bucket = readBucket(this.#sql, name, key, definition);
    const meter: Meter = { name, key, definition, bucket, used, dirty: false };
    this.#meters.set(id, meter);
    return meter;
  }

  #definition(name: string): Definition | undefined {
    if (!this.#definitions.has(name)) this.#definitions.set(name, readDefinition(this.#sql, name));
    return this.#definitions.get(name);
  }

  /** How many starts a limit lets through now. */
  room({ limit, key, cost }: LimitUse): number {
    return roomOf(this.meter(limit, key), cost, this.#nowMs);
  }

  /** Counts one start under a limit. */
  take({ limit, key, cost }: LimitUse, { run, address, session }: Taker): void {
    const meter = this.meter(limit, key);
    const { definition } = meter;
    if (definition?.kind === "concurrency") {
      // One that is off counts on: it may be set again while they run.
      meter.used++;
      const insert = "INSERT OR REPLACE INTO slots (name, key, run, address, session) VALUES (?, ?, ?, ?, ?)";
      this.#sql.run(insert, limit, key, run, address, session);
    } else if (definition?.setting && "rate" in definition.setting) {
      meter.bucket = spend(definition.setting, meter.bucket, cost, 1, this.#nowMs);
      meter.dirty = true;
    }
  }

  /** Frees the slots of a step; answers whose they were. */
  free(run: number, address: string): { readonly name: string; readonly key: string }[] {
    const sql = "DELETE FROM slots WHERE run = ? AND address = ? RETURNING name, key";
    const rows = this.#sql.tuples(sql, run, address) as [string, string][];
    return rows.map(([name, key]) => {
      const known = this.#meters.get(`${name}\n${key}`);
      if (known) known.used--;
      return { name, key };
    });
  }

  flush(): void {
    for (const meter of this.#meters.values()) {
      if (!meter.dirty || !meter.bucket) continue;
      writeBucket(this.#sql, meter.name, meter.key, meter.bucket);
      meter.dirty = false;
    }
  }
}

/** How many starts of a cost a meter lets through now. */
export function roomOf(
  { definition, bucket, used }: Omit<Meter, "dirty">,
  cost: number,
  nowMs: number,
): number {
  const setting = definition?.setting;
  // One that is off holds nobody, throttled or not.
  if (setting === undefined) return Number.POSITIVE_INFINITY;
  if (bucket?.throttle && nowMs < bucket.throttle.untilMs) return 0;
  if ("rate" in setting) return roomIn(setting, bucket, cost, nowMs);
  return Math.max(0, setting.concurrency - used);
}

export function readBucket(
  sql: Sql,
  name: string,
  key: string,
  definition: Definition | undefined,
): Bucket | undefined {
  const row = sql.tuple(
    "SELECT paid, pace, until, share, whole FROM buckets WHERE name = ? AND key = ?",
    name,
    key,
  );
  if (!row) return undefined;
  const [paidUs, pace, untilMs, share, wholeMs] = row as [
    number,
    number | null,
    number | null,
    number,
    number,
  ];
  const paid = { paidUs, paceUs: pace ?? undefined };
  const bucket = untilMs === null ? paid : { ...paid, throttle: { untilMs, share, wholeMs } };
  const setting = definition?.setting;
  return setting && "rate" in setting ? repaced(bucket, setting, definition.sinceMs) : bucket;
}

export function writeBucket(sql: Sql, name: string, key: string, bucket: Bucket): void {
  const { paidUs, paceUs = null, throttle } = bucket;
  sql.run(
    "INSERT OR REPLACE INTO buckets (name, key, paid, pace, until, share, whole, gone) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    ...[
      name,
      key,
      paidUs,
      paceUs,
      throttle?.untilMs ?? null,
      throttle?.share ?? null,
      throttle?.wholeMs ?? null,
    ],
    forgettableAtMs(bucket),
  );
}

export function countSlots(sql: Sql, name: string, key: string): number {
  return (sql.tuple("SELECT count(*) FROM slots WHERE name = ? AND key = ?", name, key) as [number])[0];
}
