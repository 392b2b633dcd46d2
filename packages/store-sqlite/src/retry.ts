import {
  type Rerun,
  type RetryOptions,
  type RetryResult,
  type RetryScope,
  RUN_ADDRESS,
  valueKey,
} from "@jobbers/core";
import { dropReplaced, retakeKey } from "./claims.js";
import { dropDeadline } from "./deadline.js";
import { makeReady, release, requestAdvance } from "./ready.js";
import type { Run, Step } from "./records.js";
import { stepColumns } from "./records.js";
import { isToGoOn, reopen } from "./reopen.js";
import { namesTakenBack } from "./rerun.js";
import { unshelve } from "./run-end.js";
import { endBodyIfDone, isSettledState } from "./settle.js";
import { packSpec } from "./spec.js";
import type { Unit } from "./unit.js";
import { dropValue, getValue, putValue } from "./values.js";

/**
 * A retry by hand goes through a run's steps twice. First it reopens them, while the run reads as ended, so that nothing of it moves; then
 * the run is running, and what is ready is put into its lines. Each pass goes in transactions of so many steps, and its place is
 * kept with the run, so that anybody can go on with it.
 */
const PAGE = 500;

/** How many records one transaction looks at, however few of them are to be changed. */
const WINDOW = 5_000;

/** Which records a retry changes: those that are not what they have to be, and of a rerun those with one of the names. */
const TO_REOPEN =
  "state <> 'succeeded' OR phase = 'advance' " +
  "OR coalesce(nullif(spec ->> 0, 0), address) IN (SELECT value FROM json_each(?))";

/** Under this key a run keeps how far its retry is; keys of the port never end so. */
const PLACE_KEY = ":retry";

/** Which pass a retry is in, and the last address that it has done. */
interface Progress {
  readonly pass: "reopening" | "placing";
  readonly after: string;
  /** The failures that run again, where these are not all. */
  readonly only?: RetryScope | undefined;
}

/** A transaction's worth of a retry; `more` when it has to be called again. */
export function retry(
  unit: Unit,
  id: string,
  { only, input }: RetryOptions = {},
): { readonly result: RetryResult; readonly more: boolean } {
  const told = (status: Exclude<RetryResult["status"], "key-taken">) => ({ result: { status }, more: false });
  const run = unit.runById(id);
  if (!run) return told("unknown");
  if (run.purged) return told("purged");
  const rerun = only && "rerun" in only ? only.rerun : undefined;
  if (run.state === "succeeded" && !rerun) return told("succeeded");
  const progress = progressOf(unit, run);
  if (run.ended === null && !progress) return told("running");
  // Another retry is under way: it is completed, but it is not this one.
  if (progress && JSON.stringify(progress.only) !== JSON.stringify(only)) {
    const more = goOn(unit, run, progress);
    return { result: { status: "running" }, more };
  }
  if (!progress) {
    run.only = only;
    if (rerun && hasRunSince(unit, run, rerun)) return told("retried");
    const refusal = rerun
      ? refusalOfRerun(unit, run, rerun)
      : only && "step" in only
        ? refusalOf(unit, run, only.step, input !== undefined)
        : undefined;
    if (refusal) return told(refusal);
    const holder = retakeKey(unit, run);
    if (holder !== undefined) return { result: { status: "key-taken", holder }, more: false };
    if (input !== undefined && only && "step" in only) editInput(unit, run, only.step, input);
  }
  const more = goOn(unit, run, progress);
  // Should the caller vanish, the promoter goes on.
  if (more && !progress) wakePromoter(unit, run);
  return { result: { status: "retried" }, more };
}

type Refusal = Extract<RetryResult["status"], `step-${string}`>;

/** Why a step cannot be the one that runs again. */
function refusalOf(unit: Unit, run: Run, address: string, hasInput: boolean): Refusal | undefined {
  const step = address === RUN_ADDRESS ? undefined : unit.step(run, address);
  if (!step) return hasInput ? "step-unknown" : refusalOfName(unit, run, address);
  if (step.state !== "failed" || step.reason === "body") return "step-not-failed";
  return isToGoOn(unit, step) ? undefined : "step-kept";
}

/** True where the step is not as the caller saw it: the rerun was done before. */
function hasRunSince(unit: Unit, run: Run, { step: address, fence }: Rerun): boolean {
  return (unit.step(run, address)?.fence ?? 0) > fence;
}

function refusalOfRerun(unit: Unit, run: Run, { step: address }: Rerun): Refusal | undefined {
  const step = unit.step(run, address);
  if (!step) return "step-unknown";
  const hasEnded = step.state === "succeeded" || (isSettledState(step.state) && step.reason === "body");
  if (!hasEnded) return "step-not-succeeded";
  return isToGoOn(unit, step) ? undefined : "step-kept";
}

/** The same of all steps of a plan name, inside a map. */
function refusalOfName({ sql }: Unit, run: Run, name: string): Refusal | undefined {
  const rows = sql.tuples("SELECT state, n FROM counts WHERE run = ? AND name = ? AND n > 0", run.seq, name);
  if (rows.length === 0) return "step-unknown";
  return rows.some(([state]) => state === "failed") ? undefined : "step-not-failed";
}

/** Has a step read another input from now on: who hands it out sees that by what it reads. */
function editInput({ sql }: Unit, run: Run, address: string, input: string): void {
  const key = valueKey.edited(address);
  putValue(sql, run.seq, key, input);
  const { spec } = run.steps.get(address) as Step;
  if (spec.reads.includes(key)) return;
  const text = packSpec({ ...spec, reads: [...spec.reads, key] });
  sql.run("UPDATE steps SET spec = ? WHERE run = ? AND address = ?", text, run.seq, address);
}

/** Goes on with a retry that nobody has completed; answers whether there was one. */
export function resumeRetry(unit: Unit, run: Run): boolean {
  const progress = run.purged ? undefined : progressOf(unit, run);
  if (!progress) return false;
  if (goOn(unit, run, progress)) wakePromoter(unit, run);
  return true;
}

/** True while a retry of the run is under way. */
export function isBeingRetried(unit: Unit, run: Run): boolean {
  return progressOf(unit, run) !== undefined;
}

function progressOf({ sql }: Unit, run: Run): Progress | undefined {
  const text = getValue(sql, run, PLACE_KEY);
  const progress = text === null ? undefined : (JSON.parse(text) as Progress);
  // A run that was cancelled while its steps were put into their lines begins from the start.
  return progress?.pass === (run.ended !== null ? "reopening" : "placing") ? progress : undefined;
}

function goOn(unit: Unit, run: Run, progress: Progress | undefined): boolean {
  let room = PAGE;
  const only = progress ? progress.only : run.only;
  run.only = only;
  if (run.ended !== null) {
    if (!progress) {
      if (only && "rerun" in only) begin(unit, run);
      reopenFirst(unit, run);
    }
    const page = pageOf(unit, run, progress?.after ?? "", TO_REOPEN, namesTakenBack(run));
    for (const step of page.steps) reopen(unit, step);
    if (page.last !== undefined) return keep(unit, run, { pass: "reopening", after: page.last, only });
    start(unit, run);
    unit.flush();
    progress = undefined;
    room -= page.steps.length;
    if (room < PAGE / 2) return keep(unit, run, { pass: "placing", after: "", only });
  }
  const waits = "seq = 0 AND session IS NULL AND (state IN ('ready', 'expanding') OR phase = 'advance')";
  const page = pageOf(unit, run, progress?.after ?? "", waits);
  if (!progress?.after) placeFirst(unit, run);
  for (const step of page.steps) place(unit, step);
  if (page.last !== undefined) return keep(unit, run, { pass: "placing", after: page.last, only });
  dropValue(unit.sql, run.seq, PLACE_KEY);
  endBodyIfDone(unit, run, RUN_ADDRESS);
  return false;
}

function keep({ sql }: Unit, run: Run, progress: Progress): true {
  putValue(sql, run.seq, PLACE_KEY, JSON.stringify(progress));
  return true;
}

/** The steps that fit among the next ones, and where the next page begins where there is one. */
function pageOf(unit: Unit, run: Run, after: string, condition: string, ...values: readonly string[]) {
  const { sql } = unit;
  const window = `SELECT ${stepColumns} FROM steps WHERE run = ? AND address > ? ORDER BY address LIMIT ${WINDOW}`;
  const rows = sql.tuples(
    `SELECT * FROM (${window}) WHERE ${condition} LIMIT ${PAGE}`,
    run.seq,
    after,
    ...values,
  );
  const steps = rows.map((row) => unit.adoptStep(run, row));
  const end = `SELECT address FROM steps WHERE run = ? AND address > ? ORDER BY address LIMIT 1 OFFSET ${WINDOW - 1}`;
  const last = rows.length === PAGE ? rows.at(-1)?.[0] : sql.tuple(end, run.seq, after)?.[0];
  return { steps, last: last as string | undefined };
}

/** It reads as running from now on. While it has an instant at which it ended, nothing of it moves. */
function begin(unit: Unit, run: Run): void {
  unshelve(unit, run);
  dropDeadline(unit, run);
  dropReplaced(unit, run);
  run.state = "running";
  run.cancelling = 0;
  run.dirty = true;
  unit.event(run, "run.retried");
}

/** The run goes on: from now on its steps move. */
function start(unit: Unit, run: Run): void {
  // Of a rerun it has been so for long: what reads as succeeded must have its results.
  if (run.state !== "running") begin(unit, run);
  run.ended = null;
  run.stopped = 0;
  if (run.epilogue === "running") run.epilogue = "over";
  run.dirty = true;
  // What was reopened did not happen to it while it ran.
  run.tally.clear();
}

/** The step that stands for the rest of a submission has no address, and is no part of any page. */
function reopenFirst(unit: Unit, run: Run): void {
  const step = unit.step(run, RUN_ADDRESS);
  if (step) reopen(unit, step);
}

function placeFirst(unit: Unit, run: Run): void {
  const step = unit.step(run, RUN_ADDRESS);
  if (step?.state === "ready" && step.seq === 0 && step.session === null) makeReady(unit, step);
}

/** Puts a step into its line; what the run's being stopped means for it by now, releasing it says. */
function place(unit: Unit, step: Step): void {
  if (isSettledState(step.state)) requestAdvance(unit, step, step.cursor);
  // Of its members perhaps none runs again.
  else if (step.state === "expanding") endBodyIfDone(unit, step.run, step.address);
  else release(unit, step);
}

function wakePromoter({ sql, turn, now }: Unit, run: Run): void {
  const insert = "INSERT INTO timers (due, seq, run, address) VALUES (?, ?, ?, '')";
  sql.run(insert, now, turn.nextSeq(), run.seq);
  turn.effects.timers = true;
}
