import { isTimely, type Submission, type SubmitResult } from "@jobbers/core";
import { type Holder, judgeClaim, takeKey } from "./claims.js";
import { setDeadline } from "./deadline.js";
import { openingSpec } from "./epilogue.js";
import { Gate } from "./gate.js";
import { packUses } from "./limit-rules.js";
import { putPlan } from "./plans.js";
import { enqueue, startEntries } from "./ready.js";
import type { Run } from "./records.js";
import { endBodyIfDone } from "./settle.js";
import type { Unit } from "./unit.js";
import { isInline, putValue } from "./values.js";

/** The most submissions, and about the most rows, that one transaction takes. */
const CHUNK = 500;

/** Cuts a batch into parts that are one transaction's work each. */
export function chunksOf(batch: readonly Submission[]): Submission[][] {
  const chunks: Submission[][] = [];
  let weight = Number.POSITIVE_INFINITY;
  for (const each of batch) {
    const own = weightOf(each);
    if (weight + own > CHUNK) {
      chunks.push([]);
      weight = 0;
    }
    weight += own;
    chunks.at(-1)?.push(each);
  }
  return chunks;
}

/** About how many rows a submission is; a run of one step counts as one. */
export function weightOf({ entries }: Submission): number {
  return Math.max(1, entries.items.length);
}

export function submit(unit: Unit, batch: readonly Submission[]): SubmitResult[] {
  const plans = new Map<string, number>();
  const gate = new Gate(unit);
  const results = batch.map((each) => submitOne(unit, each, plans, gate));
  for (const [hash, n] of plans) {
    if (n > 0) unit.sql.run("UPDATE plans SET runs = runs + ? WHERE hash = ?", n, hash);
  }
  return results;
}

/** `plans` counts the new runs by plan; a plan that is in it is known to be there. */
function submitOne(unit: Unit, submission: Submission, plans: Map<string, number>, gate: Gate): SubmitResult {
  const { id, fingerprint, plan, planText, claim, runAtMs } = submission;
  const existing = unit.sql.tuple("SELECT fingerprint, state FROM runs WHERE id = ?", id);
  if (existing) {
    if (existing[0] !== fingerprint) return { status: "conflict", id };
    // A run that this very transaction has changed is not written yet.
    return { status: "existing", id, state: unit.knownRun(id)?.state ?? (existing[1] as Run["state"]) };
  }
  const judgement = claim && judgeClaim(unit, submission, claim);
  if (judgement && "result" in judgement) return judgement.result;
  if (runAtMs !== undefined && !isTimely(runAtMs, unit.now))
    return { status: "run-at-invalid", id, nowMs: unit.now };
  const replaces = judgement?.replaces;
  const refused = gate.refusalOf(submission, dueOf(unit, submission, replaces) > unit.now);
  if (refused) return refused;
  if (!plans.has(plan)) {
    if (planText !== undefined) putPlan(unit.sql, plan, planText);
    else if (!unit.sql.tuple("SELECT 1 FROM plans WHERE hash = ?", plan))
      return { status: "plan-missing", id };
  }
  plans.set(plan, (plans.get(plan) ?? 0) + 1);
  const run = createRun(unit, submission, replaces);
  return { status: "created", id, state: run.state };
}

function createRun(unit: Unit, submission: Submission, replaces: Holder | undefined): Run {
  const { entries, claim } = submission;
  const due = dueOf(unit, submission, replaces);
  const isScheduled = due > unit.now;
  const run = insertRun(unit, submission, isScheduled ? "scheduled" : "running");
  if (claim) takeKey(unit, run, submission, claim, replaces);
  unit.event(run, "run.created");
  const { deadlineMs, deadlineFrom } = submission;
  const waitMs = deadlineFrom === "start" ? Math.max(0, due - unit.now) : 0;
  if (deadlineMs !== undefined) setDeadline(unit, run, waitMs + deadlineMs);
  if (isScheduled) schedule(unit, run, submission, due);
  else {
    startEntries(unit, run, entries.items, submission.limits);
    if (entries.next !== undefined) open(unit, run, submission, entries.next);
    endBodyIfDone(unit, run, "");
  }
  return run;
}

/** When a run starts: who replaces others does not put them off for ever. */
function dueOf(
  { now }: Unit,
  { runAtMs, delayMs = 0, claim }: Submission,
  replaces: Holder | undefined,
): number {
  const due = runAtMs ?? now + Math.max(0, Math.ceil(delayMs));
  const isLimited = replaces !== undefined && claim?.maxMs !== undefined;
  return isLimited ? Math.min(due, replaces.firstMs + Math.ceil(claim.maxMs as number)) : due;
}

/** The record is written at once: its number and id have to be found by what comes next. */
function insertRun(unit: Unit, submission: Submission, state: Run["state"]): Run {
  const { kind, name, plan, input, tags = [] } = submission;
  const seq = unit.turn.nextSeq();
  const epilogue = submission.onFailure ? "waiting" : "none";
  unit.sql.run(
    "INSERT INTO runs (seq, id, kind, name, plan, fingerprint, mode, priority, tags, traceparent, keep, created, state, members, " +
      "epilogue, input) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    seq,
    submission.id,
    kind,
    name,
    plan,
    submission.fingerprint,
    submission.failure,
    submission.priority,
    tags.length === 0 ? "[]" : JSON.stringify(tags),
    submission.traceparent ?? null,
    submission.keepMs ?? null,
    unit.now,
    state,
    submission.members,
    epilogue,
    isInline(input) ? input : null,
  );
  if (!isInline(input)) putValue(unit.sql, seq, ":input", input);
  return unit.adopt({
    seq,
    id: submission.id,
    kind,
    plan,
    mode: submission.failure,
    priority: submission.priority,
    tags: JSON.stringify(tags),
    traceparent: submission.traceparent ?? null,
    keep: submission.keepMs ?? null,
    purged: 0,
    state,
    cancelling: 0,
    stopped: 0,
    started: null,
    ended: null,
    held: 0,
    members: submission.members,
    settled: 0,
    failed: 0,
    halted: 0,
    fences: 0,
    epilogue,
    input: isInline(input) ? input : null,
    dirty: false,
    steps: new Map(),
    tally: new Map(),
  });
}

/** The entry steps beyond the first page: some worker sends them, as for an inlined dag. */
function open(unit: Unit, run: Run, { needs = "" }: Submission, cursor: number): void {
  const step = unit.addStep(run, openingSpec(needs));
  step.cursor = cursor;
  unit.move(step, "ready");
  enqueue(unit, step);
}

/** The entry steps wait under the run's one timer. */
function schedule(unit: Unit, run: Run, { entries, needs = "", limits }: Submission, due: number): void {
  for (const spec of entries.items) {
    const step = unit.addStep(run, spec);
    if (limits) step.limits = packUses(limits);
    unit.move(step, "waiting");
    step.due = due;
  }
  if (entries.next !== undefined) {
    const step = unit.addStep(run, openingSpec(needs));
    unit.move(step, "waiting");
    step.cursor = entries.next;
  }
  const insert = "INSERT INTO timers (due, seq, run, address) VALUES (?, ?, ?, '')";
  unit.sql.run(insert, due, unit.turn.nextSeq(), run.seq);
  unit.turn.effects.timers = true;
}
