import {
  isEnded,
  type KeyClaim,
  type RunKey,
  type RunState,
  type Submission,
  type SubmitResult,
} from "@jobbers/core";
import { stopSteps } from "./cancel.js";
import type { Sql } from "./driver.js";
import type { Run } from "./records.js";
import { isBeingRetried } from "./retry.js";
import type { Unit } from "./unit.js";

/** The column `claim` of a run: what it was submitted with; how long it holds that; and who replaced it. */
interface ClaimNote extends RunKey {
  readonly until: KeyClaim["until"];
  readonly replacedBy?: string;
}

/** Who holds a key. */
export interface Holder {
  readonly id: string;
  readonly fingerprint: string;
  readonly firstMs: number;
  /** Absent where no more is known of the run than how it ended. */
  readonly run: Run | undefined;
  readonly state: RunState;
}

/** What may become of a submission: it is created, perhaps in the place of another run, or it is not. */
export type Judgement = { readonly result: SubmitResult } | { readonly replaces: Holder | undefined };

/** Judges the claim of a new submission. Writes nothing. */
export function judgeClaim(unit: Unit, { id, name, fingerprint }: Submission, claim: KeyClaim): Judgement {
  const holder = holderOf(unit, claim.scope, name, claim.key);
  if (!holder) return { replaces: undefined };
  const { ifHeld } = claim;
  if (ifHeld === "reject") return { result: { status: "key-taken", id, holder: holder.id } };
  if (ifHeld === "same" && holder.fingerprint !== fingerprint)
    return { result: { status: "key-conflict", id, holder: holder.id } };
  if (ifHeld === "replace" && holder.run && isWaiting(holder.run)) return { replaces: holder };
  return { result: { status: "existing", id: holder.id, state: holder.state } };
}

/** Has a run that was just created hold its key, in the place of who held it. */
export function takeKey(unit: Unit, run: Run, submission: Submission, claim: KeyClaim, old?: Holder): void {
  const { scope, key, until } = claim;
  const untilMs = until === "time" ? unit.now + Math.max(0, Math.ceil(claim.holdMs ?? 0)) : undefined;
  const note: ClaimNote = { scope, key, until, ...(untilMs !== undefined && { untilMs }) };
  keepNote(unit.sql, run, note);
  if (old?.run) replace(unit, old.run, run.id);
  const { name, fingerprint } = submission;
  writeClaim(unit, run, name, fingerprint, note, old?.firstMs ?? unit.now);
}

/** Has a run that is retried by hand hold its key again; answers who holds it where that is another run. */
export function retakeKey(unit: Unit, run: Run): string | undefined {
  const { sql, now } = unit;
  const [text, name, fingerprint] = sql.tuple(
    "SELECT claim, name, fingerprint FROM runs WHERE seq = ?",
    run.seq,
  ) as [...[string | null, string, string]];
  if (text === null) return undefined;
  const note = JSON.parse(text) as ClaimNote;
  if (note.until === "begin" || (note.untilMs ?? now + 1) <= now) return undefined;
  const holder = holderOf(unit, note.scope, name, note.key);
  if (holder && holder.id !== run.id) return holder.id;
  if (note.until === "end") writeClaim(unit, run, name, fingerprint, note, now);
  return undefined;
}

/** A run that goes on has been replaced by none. */
export function dropReplaced({ sql }: Unit, run: Run): void {
  const text = sql.tuple("SELECT claim FROM runs WHERE seq = ?", run.seq)?.[0] as string | null;
  if (text === null) return;
  const { replacedBy: _replacedBy, ...note } = JSON.parse(text) as ClaimNote;
  keepNote(sql, run, note);
}

/** Ends the claim of a run of which only the id is left, unless it is held for a time. */
export function buryClaim({ sql }: Unit, run: number): void {
  sql.run("DELETE FROM claims WHERE run = ? AND until IS NULL", run);
}

/** Notes how a run ended that is forgotten before the time is over for which it holds its key. */
export function forgetClaim(sql: Sql, run: number): void {
  sql.run("UPDATE claims SET state = (SELECT state FROM runs WHERE seq = ?) WHERE run = ?", run, run);
}

/** Deletes claims whose time is over; answers how many. */
export function purgeClaims({ sql, now }: Unit, limit: number): number {
  const over = "SELECT scope, name, key FROM claims WHERE until <= ? ORDER BY until LIMIT ?";
  return sql.run(`DELETE FROM claims WHERE (scope, name, key) IN (${over})`, now, limit);
}

/** What readers are told of a run's key. */
export function keyOf(text: string | null): { key?: RunKey; replacedBy?: string } {
  if (text === null) return {};
  const { scope, key, untilMs, replacedBy } = JSON.parse(text) as ClaimNote;
  return {
    key: { scope, key, ...(untilMs !== undefined && { untilMs }) },
    ...(replacedBy !== undefined && { replacedBy }),
  };
}

function holderOf(unit: Unit, scope: string, name: string, key: string): Holder | undefined {
  const row = unit.sql.tuple(
    "SELECT run, id, fingerprint, kept, until, first, state FROM claims WHERE scope = ? AND name = ? AND key = ?",
    ...[scope, name, key],
  ) as [number, string, string, KeyClaim["until"], number | null, number, RunState | null] | undefined;
  if (!row) return undefined;
  const [seq, id, fingerprint, kept, until, firstMs, state] = row;
  const run = unit.run(seq);
  const isHeld =
    until !== null
      ? until > unit.now
      : run !== undefined &&
        (kept === "begin" ? run.state === "scheduled" && !run.cancelling : !isOver(unit, run));
  if (!isHeld) return undefined;
  return { id, fingerprint, firstMs, run, state: run?.state ?? state ?? "succeeded" };
}

/** A run that has ended, but is about to go on, goes on counting. */
function isOver(unit: Unit, run: Run): boolean {
  return isEnded(run.state) && !isBeingRetried(unit, run);
}

/** True for a run of which no step was taken yet. */
function isWaiting({ ended, cancelling, started, held }: Run): boolean {
  return ended === null && !cancelling && started === null && held === 0;
}

function replace(unit: Unit, old: Run, by: string): void {
  old.cancelling = 1;
  old.dirty = true;
  stopSteps(unit, old);
  const text = unit.sql.tuple("SELECT claim FROM runs WHERE seq = ?", old.seq)?.[0] as string;
  keepNote(unit.sql, old, { ...(JSON.parse(text) as ClaimNote), replacedBy: by });
}

function keepNote(sql: Sql, run: Run, note: ClaimNote): void {
  sql.run("UPDATE runs SET claim = ? WHERE seq = ?", JSON.stringify(note), run.seq);
}

function writeClaim(
  unit: Unit,
  run: Run,
  name: string,
  fingerprint: string,
  note: ClaimNote,
  first: number,
): void {
  const { scope, key, until, untilMs = null } = note;
  unit.sql.run(
    "INSERT OR REPLACE INTO claims (scope, name, key, run, id, fingerprint, kept, until, first) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ...[scope, name, key, run.seq, run.id, fingerprint, until, untilMs, first],
  );
}
