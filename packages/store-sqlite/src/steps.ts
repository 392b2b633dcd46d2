import {
  isSettled,
  type Phase,
  readProgress,
  type StepAddress,
  type StepCounts,
  type StepReason,
  type StepRecord,
  type StepState,
  valueKey,
} from "@jobbers/core";
import type { Sql } from "./driver.js";
import { limitsOf } from "./limit-usage.js";
import type { RunHead } from "./runs.js";
import { unpackSpec } from "./spec.js";
import { errorKey } from "./values.js";
import { standsParked } from "./where-is.js";

/** How many records one call of `listSteps` looks at, however few of them match. */
const SCAN_LIMIT = 5000;

interface StepRow {
  readonly address: string;
  readonly state: StepState;
  readonly reason: StepReason | null;
  readonly phase: Phase;
  readonly fence: number;
  readonly tries: number;
  readonly lost: number;
  readonly session: number | null;
  readonly worker: string | null;
  readonly ready: number | null;
  readonly started: number | null;
  readonly ended: number | null;
  readonly due: number | null;
  readonly spec: string;
  readonly limits: string | null;
}

const columns =
  "address, state, reason, phase, fence, tries, lost, session, worker, ready, started, ended, due, spec, limits";

export function getStep(sql: Sql, run: RunHead, address: StepAddress): StepRecord | undefined {
  if (address === "") return undefined;
  const row = sql.get<StepRow>(
    `SELECT ${columns} FROM steps WHERE run = ? AND address = ?`,
    run.seq,
    address,
  );
  return row && recordOf(sql, run, row);
}

/** What a run's end left unfinished reads as cancelled: to rewrite it all would cost too much. */
function stateOf(run: RunHead, state: StepState): StepState {
  return run.isEnded && !isSettled(state) ? "cancelled" : state;
}

function recordOf(sql: Sql, run: RunHead, row: StepRow): StepRecord {
  const { name, kind, queue, needs, reads, priority = run.priority } = unpackSpec(row.address, row.spec);
  const kept = stateOf(run, row.state);
  const mayBeParked = kept === "ready" && row.phase === "run";
  const limits = mayBeParked ? limitsOf(sql, needs, queue, row.limits) : "";
  const state = standsParked(sql, { queue, priority, needs, limits }) ? "limited" : kept;
  const body = kind === "task" ? undefined : bodyOf(sql, run.seq, row.address);
  return {
    run: run.id,
    address: row.address,
    name,
    kind,
    state,
    reason: kept === row.state ? (row.reason ?? undefined) : "cancelled",
    phase: row.phase,
    ...(reads.includes(valueKey.edited(row.address)) && { edited: true }),
    queue,
    ...(row.ready === null && row.started !== null && { inlined: true }),
    fence: row.fence,
    tries: row.tries,
    lost: row.lost,
    worker: row.worker ?? undefined,
    ...(kept === row.state && leaseOf(sql, run.seq, row)),
    readyAtMs: row.ready ?? undefined,
    startedAtMs: row.started ?? undefined,
    endedAtMs: row.ended ?? undefined,
    dueAtMs: row.due ?? undefined,
    error: errorOf(sql, run.seq, row),
    members: body?.members,
    settled: body?.settled,
    count: body?.count ?? undefined,
  };
}

/** Who holds a step, and what its attempt said last. */
function leaseOf(sql: Sql, run: number, { session, address, state }: StepRow): Partial<StepRecord> {
  if (session === null) return {};
  const select =
    "SELECT id, held.heard, since, at, progress FROM held JOIN sessions ON sessions.seq = held.session " +
    "WHERE session = ? AND run = ? AND address = ?";
  const row = sql.tuple(select, session, run, address);
  if (!row) return {};
  const [id, heardAtMs, sinceMs, at, rest] = row as [string, number | null, number, string | null, string];
  if (heardAtMs === null || state !== "running") return { session: id };
  const said = { rest, ...(at !== null && { at: JSON.parse(at) as string }) };
  return { session: id, progress: readProgress(said, { sinceMs, heardAtMs }) };
}

function bodyOf(sql: Sql, run: number, address: StepAddress) {
  const select = "SELECT members, settled, count FROM bodies WHERE run = ? AND address = ?";
  return sql.get<{ members: number; settled: number; count: number | null }>(select, run, address);
}

function errorOf(sql: Sql, run: number, { tries, lost, state, address }: StepRow): string | undefined {
  if (tries === 0 && lost === 0 && state !== "failed") return undefined;
  return sql.get<{ text: string }>("SELECT text FROM vals WHERE run = ? AND key = ?", run, errorKey(address))
    ?.text;
}

/** Records by address. A page may hold fewer than asked for and still have a next one: looking is bounded. */
export function listSteps(
  sql: Sql,
  run: RunHead,
  query: {
    readonly after?: StepAddress | undefined;
    readonly limit: number;
    readonly states?: readonly StepState[] | undefined;
  },
): { steps: StepRecord[]; next?: StepAddress } {
  const { after = "", limit, states } = query;
  const select = `SELECT ${columns} FROM steps WHERE run = ? AND address > ? ORDER BY address LIMIT ?`;
  const steps: StepRecord[] = [];
  let last = after;
  for (let seen = 0; seen < SCAN_LIMIT; ) {
    const page = Math.min(500, states ? 500 : limit - steps.length + 1);
    const rows = sql.all<StepRow>(select, run.seq, last, page);
    for (const row of rows) {
      const record = mayBeIn(stateOf(run, row.state), states) ? recordOf(sql, run, row) : undefined;
      if (record && (!states || states.includes(record.state))) {
        if (steps.length === limit) return { steps, next: last };
        steps.push(record);
      }
      last = row.address;
    }
    if (rows.length < page) return { steps };
    seen += page;
  }
  return { steps, next: last };
}

/** What is kept as ready may read as limited. */
function mayBeIn(kept: StepState, states: readonly StepState[] | undefined): boolean {
  return !states || states.includes(kept) || (kept === "ready" && states.includes("limited"));
}

/**
 * Progress by plan name. Steps inside maps are counted as they go; every other plan name has one step, so its record says it:
 * the records are visited in order of address, leaping over all instances of a map (`a[0]…` lies before `a[:`).
 */
export function countSteps(sql: Sql, run: RunHead): StepCounts[] {
  const found = new Map<string, Partial<Record<StepState, number>>>();
  const add = (name: string, state: StepState, n: number) => {
    const counts = found.get(name) ?? {};
    const shown = stateOf(run, state);
    counts[shown] = (counts[shown] ?? 0) + n;
    found.set(name, counts);
  };
  const select = "SELECT address, state FROM steps WHERE run = ? AND address > ? ORDER BY address LIMIT 1";
  for (let at = ""; ; ) {
    const row = sql.tuple(select, run.seq, at) as [string, StepState] | undefined;
    if (!row) break;
    const instance = /^[^[]*(?:\[\][^[]*)*\[(?=\d)/.exec(row[0]);
    if (!instance) add(row[0], row[1], 1);
    at = instance ? `${instance[0]}:` : row[0];
  }
  const counts = sql.all<{ name: string; state: StepState; n: number }>(
    "SELECT name, state, n FROM counts WHERE run = ? AND n <> 0 ORDER BY name",
    run.seq,
  );
  for (const { name, state, n } of counts) add(name, state, n);
  return [...found].map(([name, counts]) => ({ name, counts }));
}
