import { type LimitUse, opensAtMs, spend } from "@jobbers/core";
import type { Sql } from "./driver.js";
import { LimitMeters, type Meter, roomOf } from "./limit-meters.js";
import { hasLimits, limitsTextOf, type Rules, readRules, readUses } from "./limit-rules.js";
import type { Step } from "./records.js";
import { closeTenant, openTenant } from "./tenants.js";
import type { KnownLine, Turn } from "./turn.js";

/**
 * Limits, as one verb sees them. A line stands under the limits that its name says; all of them are checked and counted together at
 * the moment a step is taken. One that refuses has the whole line parked: it is in no exchange's way until that limit wakes it.
 *
 * ```mermaid
 * stateDiagram-v2
 *   [*] --> open: its first entry
 *   open --> open: served, and now the last in turn
 *   open --> parked: a limit refuses
 *   parked --> open: its limit has a token, a slot, or was edited
 *   open --> [*]: its last entry is popped
 * ```
 *
 * A line's turn is when it was served last, open or parked: who waited longest is woken, and then served, first.
 */

/** How soon a limit with room looks again whether those whom it woke have used it, in milliseconds: nobody may serve their queue. */
const AGAIN_MS = 1_000;

/** The most lines that one limit wakes at a time. */
const WAKE_LIMIT = 100;

export class Limits {
  readonly #sql: Sql;
  readonly #turn: Turn;
  readonly #meters: LimitMeters;
  readonly #rules = new Map<string, Rules>();
  readonly #freed = new Map<string, readonly [name: string, key: string]>();
  #isOn: boolean | undefined;

  constructor(sql: Sql, turn: Turn) {
    this.#sql = sql;
    this.#turn = turn;
    this.#meters = new LimitMeters(sql, turn.now);
  }

  /** False for a store in which nothing is limited. */
  get isOn(): boolean {
    this.#isOn ??= hasLimits(this.#sql);
    return this.#isOn;
  }

  #rulesOf(task: string, queue: string): Rules {
    const id = `${task}@${queue}`;
    const rules = this.#rules.get(id) ?? readRules(this.#sql, task, queue);
    this.#rules.set(id, rules);
    return rules;
  }

  /** What a step that is to run stands under, as its line has it; `undefined` where a worker has yet to say a key of it. */
  textOf({ spec, limits }: Step): string | undefined {
    return this.isOn ? limitsTextOf(this.#rulesOf(spec.needs, spec.queue), limits) : "";
  }

  /** True where a step of a task in a queue may stand under any limit. */
  mayLimit(task: string, queue: string): boolean {
    if (!this.isOn) return false;
    const { isKeyed, uses } = this.#rulesOf(task, queue);
    return isKeyed || uses.length > 0;
  }

  /** How many steps of a line all its limits let through now; where none, which of them refuses. */
  room(uses: readonly LimitUse[]): { readonly n: number; readonly refusing?: LimitUse | undefined } {
    let n = Number.POSITIVE_INFINITY;
    for (const use of uses) {
      const room = this.#meters.room(use);
      if (room <= 0) return { n: 0, refusing: use };
      n = Math.min(n, room);
    }
    return { n };
  }

  /** What one key of a limit has let through so far. */
  meter(name: string, key: string): Meter {
    return this.#meters.meter(name, key);
  }

  /** Counts a step that was taken under all limits of its line. */
  take(uses: readonly LimitUse[], step: Step): void {
    const { run, address, session } = step;
    for (const use of uses) this.#meters.take(use, { run: run.seq, address, session: session as number });
  }

  /** Frees the slots of a step whose lease ends. */
  free(step: Step): void {
    if (!this.isOn) return;
    for (const { name, key } of this.#meters.free(step.run.seq, step.address))
      this.#freed.set(`${name}\n${key}`, [name, key]);
  }

  /** Takes a line out of the turn of the others, until a limit wakes it. */
  park(line: KnownLine, { limit, key, cost }: LimitUse): void {
    this.#sql.run("UPDATE lines SET parked = ? WHERE id = ?", `${limit}\n${key}`, line.id);
    closeTenant(this.#sql, line);
    const opens = this.#opensAt(this.#meters.meter(limit, key), cost);
    if (opens !== undefined) this.#arm(limit, key, opens);
  }

  /** When a meter lets something of a cost through by itself. */
  #opensAt({ definition, bucket }: Meter, cost: number): number | undefined {
    const setting = definition?.setting;
    if (setting && "rate" in setting) return opensAtMs(setting, bucket, cost, this.#turn.now);
    const untilMs = bucket?.throttle?.untilMs;
    return untilMs !== undefined && untilMs > this.#turn.now ? untilMs : undefined;
  }

  #arm(name: string, key: string, due: number): void {
    const upsert =
      "INSERT INTO wakes (name, key, due) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET due = min(due, excluded.due)";
    this.#sql.run(upsert, name, key, due);
    this.#turn.effects.timers = true;
  }

  /** Wakes what stands behind slots that were freed. */
  wakeFreed(): void {
    for (const [name, key] of this.#freed.values()) this.#wake(name, key);
    this.#freed.clear();
  }

  /** Wakes what stands behind limits whose time has come; answers how many there were. */
  ring(most: number): number {
    const select = "SELECT name, key FROM wakes WHERE due <= ? ORDER BY due LIMIT ?";
    const due = this.#sql.tuples(select, this.#turn.now, most) as [string, string][];
    for (const [name, key] of due) {
      this.#sql.run("DELETE FROM wakes WHERE name = ? AND key = ?", name, key);
      this.#wake(name, key);
    }
    return due.length;
  }

  /** Has a limit look at once at all that stands behind it, whatever the key. */
  ringAll(name: string): void {
    const select =
      "SELECT DISTINCT ?1, substr(parked, length(?1) + 2), ?2 FROM lines WHERE parked >= ?1 || char(10) AND parked < ?1 || char(11)";
    this.#sql.run(`INSERT OR REPLACE INTO wakes (name, key, due) ${select}`, name, this.#turn.now);
    this.#turn.effects.timers = true;
  }

  /** Has the limit look again at an instant, should anything stand behind it then. */
  ringAt(name: string, key: string, due: number): void {
    this.#arm(name, key, due);
  }

  /** Opens as many lines as the limit lets through, those that waited longest first. */
  #wake(name: string, key: string): void {
    const select =
      "SELECT id, queue, priority, needs, limits, tenant FROM lines WHERE parked = ? ORDER BY turn LIMIT ?";
    const parked = this.#sql.all<KnownLine>(select, `${name}\n${key}`, WAKE_LIMIT);
    const meter = { ...this.#meters.meter(name, key) };
    let woken = 0;
    for (const line of parked) {
      const { id, limits } = line;
      const cost = readUses(limits).find((use) => use.limit === name && use.key === key)?.cost ?? 1;
      // Who waits for more than there is keeps those behind from taking it away.
      if (roomOf(meter, cost, this.#turn.now) < 1) {
        const opens = this.#opensAt(meter, cost);
        if (opens !== undefined)
          this.#arm(name, key, woken > 0 ? Math.min(opens, this.#turn.now + AGAIN_MS) : opens);
        else if (woken > 0) this.#arm(name, key, this.#turn.now + AGAIN_MS);
        return;
      }
      spendOne(meter, cost, this.#turn.now);
      this.#sql.run("UPDATE lines SET parked = NULL WHERE id = ?", id);
      openTenant(this.#sql, line);
      this.#turn.effects.grown.set(line, 1);
      woken++;
    }
    if (parked.length === WAKE_LIMIT) this.#arm(name, key, this.#turn.now);
  }

  flush(): void {
    this.wakeFreed();
    this.#meters.flush();
  }
}

/** What waking one line may use up; nothing is counted before it is taken. */
function spendOne(meter: Meter, cost: number, nowMs: number): void {
  meter.used++;
  const setting = meter.definition?.setting;
  if (setting && "rate" in setting) meter.bucket = spend(setting, meter.bucket, cost, 1, nowMs);
}
