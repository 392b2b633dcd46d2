import type { StepState } from "@jobbers/core";
import type { Sql } from "./driver.js";
import { tenantIn } from "./limit-rules.js";
import type { NearRow } from "./sticky.js";
import { closeTenant, openTenant } from "./tenants.js";
import type { KnownLine, Near, Turn } from "./turn.js";

/** The queue name of the control lines; a user's queue cannot be called so. */
export const CONTROL = "";

interface Count {
  readonly run: number;
  readonly name: string;
  readonly state: StepState;
  n: number;
}

/** Sums that many steps of one verb change: each is added up in memory and written once. */
export class Ledger {
  readonly #sql: Sql;
  readonly #turn: Turn;
  readonly #limited = new Map<string, KnownLine>();
  readonly #depths = new Map<KnownLine, number>();
  readonly #running = new Map<string, number>();
  readonly #counts = new Map<string, Count>();
  readonly #tallies = new Map<string, number>();

  constructor(sql: Sql, turn: Turn) {
    this.#sql = sql;
    this.#turn = turn;
  }

  /** The line of a queue, a priority, a need and limits; made where it is new. */
  line(queue: string, priority: number, needs: string, limits = ""): KnownLine {
    if (limits !== "") return this.#limitedLine(queue, priority, needs, limits);
    const key = `${queue}\n${priority}\n${needs}`;
    const known = this.#turn.memory.lines.get(key) ?? this.#turn.newLines.get(key);
    if (known) return known;
    const find =
      "SELECT id FROM lines WHERE queue = ? AND priority = ? AND needs = ? AND limits = '' AND worker = ''";
    let row = this.#sql.tuple(find, queue, priority, needs);
    if (!row) {
      const insert = "INSERT INTO lines (queue, priority, needs, depth) VALUES (?, ?, ?, 0)";
      this.#sql.run(insert, queue, priority, needs);
      row = this.#sql.tuple(find, queue, priority, needs);
    }
    const line = { id: (row as [number])[0], queue, priority, needs, limits, tenant: "" };
    this.#turn.newLines.set(key, line);
    return line;
  }

  /** The line of a worker for its sticky steps; made where it is new, with the timer of what comes into it first, of which who reports is told. */
  nearLine(queue: string, priority: number, near: Near): KnownLine {
    const { worker, withinMs } = near;
    const key = `${queue}\n${priority}\n\n\n${withinMs}\n${worker}`;
    const known = this.#limited.get(key);
    if (known) return known;
    const find =
      "SELECT id FROM lines WHERE queue = ? AND priority = ? AND needs = '' AND limits = '' AND worker = ? AND within = ?";
    let row = this.#sql.tuple(find, queue, priority, worker, withinMs);
    if (!row) {
      const insert =
        "INSERT INTO lines (queue, priority, needs, worker, within, depth, due) VALUES (?, ?, '', ?, ?, 0, ?)";
      this.#sql.run(insert, queue, priority, worker, withinMs, this.#turn.now + withinMs);
      row = this.#sql.tuple(find, queue, priority, worker, withinMs);
    }
    const line = { id: (row as [number])[0], queue, priority, needs: "", limits: "", tenant: "", near };
    this.#limited.set(key, line);
    return line;
  }

  /** The line that a row is of. */
  lineOf({ queue, priority, needs, limits, worker, within }: Omit<NearRow, "id">): KnownLine {
    return worker === ""
      ? this.line(queue, priority, needs, limits)
      : this.nearLine(queue, priority, { worker, withinMs: within });
  }

  #limitedLine(queue: string, priority: number, needs: string, limits: string): KnownLine {
    const key = `${queue}\n${priority}\n${needs}\n${limits}`;
    const known = this.#limited.get(key);
    if (known) return known;
    const find = "SELECT id FROM lines WHERE queue = ? AND priority = ? AND needs = ? AND limits = ?";
    let row = this.#sql.tuple(find, queue, priority, needs, limits);
    const tenant = tenantIn(limits);
    if (!row) {
      const insert =
        "INSERT INTO lines (queue, priority, needs, limits, tenant, depth, turn) VALUES (?, ?, ?, ?, ?, 0, ?)";
      this.#sql.run(insert, queue, priority, needs, limits, tenant, this.#turn.nextSeq());
      row = this.#sql.tuple(find, queue, priority, needs, limits);
      openTenant(this.#sql, { queue, priority, needs, tenant });
    }
    const line = { id: (row as [number])[0], queue, priority, needs, limits, tenant };
    this.#limited.set(key, line);
    return line;
  }

  /** Puts an entry at the end of a line, or with an old number back among the old ones. */
  push(line: KnownLine, seq: number, run: number, address: string): void {
    this.#sql.run(
      "INSERT INTO ready (line, seq, run, address) VALUES (?, ?, ?, ?)",
      line.id,
      seq,
      run,
      address,
    );
    add(this.#depths, line, 1);
    add(this.#turn.effects.grown, line, 1);
  }

  /** Takes the oldest entries off a line, up to a number. */
  shift(line: KnownLine, upTo: number, n: number): void {
    this.#sql.run("DELETE FROM ready WHERE line = ? AND seq <= ?", line.id, upTo);
    add(this.#depths, line, -n);
    // What came and went in one transaction is nothing to wake others for.
    add(this.#turn.effects.grown, line, -n);
  }

  running(queue: string, n: number): void {
    add(this.#running, queue, n);
  }

  /** Counts a step of a map's body under its plan name. */
  count(run: number, name: string, state: StepState, n: number): void {
    const key = `${run} ${state} ${name}`;
    const known = this.#counts.get(key);
    if (known) known.n += n;
    else this.#counts.set(key, { run, name, state, n });
  }

  /** Counts ended runs by shelf. */
  tally(shelf: string, n: number): void {
    add(this.#tallies, shelf, n);
  }

  flush(): void {
    for (const [line, n] of this.#depths) {
      if (n !== 0) this.#sql.run("UPDATE lines SET depth = depth + ? WHERE id = ?", n, line.id);
      if (line.limits === "" && !line.near) continue;
      const gone = this.#sql.run("DELETE FROM lines WHERE id = ? AND depth = 0", line.id);
      if (gone > 0) closeTenant(this.#sql, line);
    }
    this.#limited.clear();
    for (const [queue, n] of this.#running) {
      if (n === 0) continue;
      const upsert =
        "INSERT INTO queues (name, running) VALUES (?, ?) ON CONFLICT DO UPDATE SET running = running + ?";
      this.#sql.run(upsert, queue, n, n);
    }
    for (const { run, name, state, n } of this.#counts.values()) {
      if (n === 0) continue;
      const upsert =
        "INSERT INTO counts (run, name, state, n) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + ?";
      this.#sql.run(upsert, run, name, state, n, n);
    }
    for (const [shelf, n] of this.#tallies) {
      const upsert = "INSERT INTO tallies (shelf, n) VALUES (?, ?) ON CONFLICT DO UPDATE SET n = n + ?";
      this.#sql.run(upsert, shelf, n, n);
    }
    this.#depths.clear();
    this.#running.clear();
    this.#counts.clear();
    this.#tallies.clear();
  }
}

function add<K>(sums: Map<K, number>, key: K, n: number): void {
  sums.set(key, (sums.get(key) ?? 0) + n);
}
