import {
  type JsonValue,
  type RunEventRecord,
  type StepAddress,
  type StepReason,
  type StepSpec,
  type StepState,
  stepEventOf,
} from "@jobbers/core";
import type { Sql, Tuple } from "./driver.js";
import { insertEvent } from "./feed.js";
import { Ledger } from "./ledger.js";
import { Limits } from "./limits.js";
import {
  freshStep,
  insertStep,
  type Run,
  runColumns,
  runOf,
  type Step,
  type StepBody,
  stepColumns,
  stepOf,
  stepValues,
  updateStep,
} from "./records.js";
import { RoleRoom } from "./role-room.js";
import { loadShares, type Shares, writeShares } from "./shares.js";
import { packSpec } from "./spec.js";
import type { Turn } from "./turn.js";

/**
 * What one verb reads and changes: every record is loaded once, changed in memory, and written once by `flush`. So a verb that
 * fails before its flush has changed no record, and a map's body counts a hundred members with one statement.
 */
export class Unit {
  readonly sql: Sql;
  readonly turn: Turn;
  /** Queues, lines and sums. */
  readonly ledger: Ledger;
  /** What keeps steps from being taken. */
  readonly limits: Limits;
  /** How many steps the workers of roles may run. */
  readonly roles: RoleRoom;
  /** Takes a successor for the session at hand instead of the line; set while an exchange applies its reports. */
  takeInline: ((step: Step) => boolean) | undefined;
  readonly #runs = new Map<number, Run>();
  readonly #ids = new Map<string, Run>();
  readonly #bodies = new Map<Step, StepBody>();
  readonly #shares = new Map<Step, Shares | undefined>();
  readonly #changedShares = new Map<Step, Shares>();

  constructor(sql: Sql, turn: Turn) {
    this.sql = sql;
    this.turn = turn;
    this.ledger = new Ledger(sql, turn);
    this.limits = new Limits(sql, turn);
    this.roles = new RoleRoom(sql, turn);
  }

  /** The store's time, in milliseconds since 1970. */
  get now(): number {
    return this.turn.now;
  }

  runById(id: string): Run | undefined {
    const known = this.#ids.get(id);
    if (known) return known;
    const row = this.sql.tuple(`SELECT ${runColumns} FROM runs WHERE id = ?`, id);
    return row && this.adopt(runOf(row));
  }

  /** A run that this unit has met. */
  knownRun(id: string): Run | undefined {
    return this.#ids.get(id);
  }

  run(seq: number): Run | undefined {
    const known = this.#runs.get(seq);
    if (known) return known;
    const row = this.sql.tuple(`SELECT ${runColumns} FROM runs WHERE seq = ?`, seq);
    return row && this.adopt(runOf(row));
  }

  /** Takes a run that was made or read elsewhere into this unit. */
  adopt(run: Run): Run {
    const known = this.#runs.get(run.seq);
    if (known) return known;
    this.#runs.set(run.seq, run);
    this.#ids.set(run.id, run);
    return run;
  }

  step(run: Run, address: StepAddress): Step | undefined {
    const known = run.steps.get(address);
    if (known) return known;
    const text = `SELECT ${stepColumns} FROM steps WHERE run = ? AND address = ?`;
    const row = this.sql.tuple(text, run.seq, address);
    return row && this.adoptStep(run, row);
  }

  /** Takes a step that was read elsewhere, a row of `stepColumns`, into this unit. */
  adoptStep(run: Run, row: Tuple): Step {
    const address = row[0] as StepAddress;
    const known = run.steps.get(address);
    if (known) return known;
    const step = stepOf(run, row);
    run.steps.set(address, step);
    return step;
  }

  /** A record for a step that has none. */
  addStep(run: Run, spec: StepSpec): Step {
    const step = freshStep(run, spec, packSpec(spec));
    run.steps.set(spec.address, step);
    if (isMapped(step)) this.ledger.count(run.seq, spec.name, "blocked", 1);
    return step;
  }

  /** Takes a record away, with its body; what hangs on it otherwise is left. */
  removeStep(step: Step): void {
    const { run, address, spec, state } = step;
    if (isMapped(step)) this.ledger.count(run.seq, spec.name, state, -1);
    this.removeBody(step);
    this.sql.run("DELETE FROM steps WHERE run = ? AND address = ?", run.seq, address);
    run.steps.delete(address);
  }

  /** Takes the body of a map or an inlined dag away. */
  removeBody(step: Step): void {
    this.sql.run("DELETE FROM bodies WHERE run = ? AND address = ?", step.run.seq, step.address);
    this.#bodies.delete(step);
    step.body = undefined;
  }

  /** The body of a map or an inlined dag, made where there is none. */
  body(step: Step): StepBody {
    if (step.body) return step.body;
    const row = this.sql.get<Omit<StepBody, "dirty" | "fresh">>(
      "SELECT count, members, settled, failed, halted, epilogue FROM bodies WHERE run = ? AND address = ?",
      step.run.seq,
      step.address,
    );
    const none = { count: null, members: 0, settled: 0, failed: 0, halted: 0, epilogue: "none" } as const;
    step.body = { ...(row ?? none), dirty: false, fresh: !row };
    this.#bodies.set(step, step.body);
    return step.body;
  }

  /** How a map's instances were laid over queues; none where it has no spread. */
  shares(map: Step): Shares | undefined {
    if (!this.#shares.has(map)) this.#shares.set(map, loadShares(this, map));
    return this.#shares.get(map);
  }

  /** Notes shares that have changed. */
  putShares(map: Step, shares: Shares): void {
    this.#shares.set(map, shares);
    this.#changedShares.set(map, shares);
  }

  /** Moves a step to another state, and counts it there. */
  move(step: Step, state: StepState, reason: StepReason | null = null): void {
    if (isMapped(step)) {
      this.ledger.count(step.run.seq, step.spec.name, step.state, -1);
      this.ledger.count(step.run.seq, step.spec.name, state, 1);
    }
    step.state = state;
    step.reason = reason;
    step.dirty = true;
    if (state !== "ready" && state !== "blocked")
      step.run.tally.set(state, (step.run.tally.get(state) ?? 0) + 1);
    const news = step.spec.each && stepEventOf(state);
    if (news) this.event(step.run, news, step.address, reason === null ? undefined : { reason });
  }

  event(run: Run, type: RunEventRecord["type"], step?: StepAddress, detail?: JsonValue): void {
    insertEvent(this, run.seq, type, step, detail);
  }

  /** Writes everything that changed. */
  flush(): void {
    for (const run of this.#runs.values()) {
      for (const step of run.steps.values()) this.#writeStep(step);
      if (run.tally.size > 0 && run.ended === null) {
        this.event(run, "steps", undefined, Object.fromEntries(run.tally));
      }
      run.tally.clear();
      if (run.dirty) this.#writeRun(run);
    }
    for (const [step, body] of this.#bodies) this.#writeBody(step, body);
    for (const [step, shares] of this.#changedShares) writeShares(this, step, shares);
    this.#changedShares.clear();
    this.ledger.flush();
    this.limits.flush();
  }

  /** All runs that this verb has touched so far. */
  touched(): Iterable<Run> {
    return this.#runs.values();
  }

  #writeStep(step: Step): void {
    if (!step.dirty) return;
    const { run, address } = step;
    if (step.fresh) this.sql.run(insertStep, ...stepValues(step), run.seq, address, step.specText);
    else this.sql.run(updateStep, ...stepValues(step), run.seq, address);
    step.dirty = false;
    step.fresh = false;
  }

  #writeRun(run: Run): void {
    this.sql.run(
      "UPDATE runs SET purged = ?, state = ?, cancelling = ?, stopped = ?, started = ?, ended = ?, held = ?, members = ?, " +
        "settled = ?, failed = ?, halted = ?, epilogue = ?, fences = ? WHERE seq = ?",
      run.purged,
      run.state,
      run.cancelling,
      run.stopped,
      run.started,
      run.ended,
      run.held,
      run.members,
      run.settled,
      run.failed,
      run.halted,
      run.epilogue,
      run.fences,
      run.seq,
    );
    run.dirty = false;
  }

  #writeBody({ run, address }: Step, body: StepBody): void {
    if (!body.dirty) return;
    const { count, members, settled, failed, halted, epilogue } = body;
    this.sql.run(
      body.fresh
        ? "INSERT INTO bodies (count, members, settled, failed, halted, epilogue, run, address) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        : "UPDATE bodies SET count = ?, members = ?, settled = ?, failed = ?, halted = ?, epilogue = ? WHERE run = ? AND address = ?",
      count,
      members,
      settled,
      failed,
      halted,
      epilogue,
      run.seq,
      address,
    );
    body.dirty = false;
    body.fresh = false;
  }
}

/** True for a step inside a map: one of many under its plan name. */
export function isMapped(step: Step): boolean {
  return step.spec.name !== step.address;
}
