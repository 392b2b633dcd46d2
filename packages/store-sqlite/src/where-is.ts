import {
  type Holder,
  isEnded,
  LINE_LOOK_LIMIT,
  type LinePlace,
  type Phase,
  type RunState,
  type StepAddress,
  type StepState,
  type Whereabouts,
} from "@jobbers/core";
import type { Sql } from "./driver.js";
import { CONTROL } from "./ledger.js";
import { readUses } from "./limit-rules.js";
import { limitsOf, readUsage } from "./limit-usage.js";
import type { SessionState } from "./session.js";
import { unpackSpec } from "./spec.js";
import { readSettings } from "./steering.js";

interface Row {
  readonly run: number;
  readonly runState: RunState;
  readonly runPriority: number;
  readonly state: StepState;
  readonly phase: Phase;
  readonly session: number | null;
  readonly seq: number;
  readonly cursor: number;
  readonly spec: string;
  readonly limits: string | null;
}

const select =
  "SELECT runs.seq AS run, runs.state AS runState, runs.priority AS runPriority, steps.state, steps.phase, steps.session, steps.seq, " +
  "steps.cursor, steps.spec, steps.limits FROM runs JOIN steps ON steps.run = runs.seq AND steps.address = ? WHERE runs.id = ? AND runs.purged = 0";

/** Where a step is; to be called within a transaction, so that all of it is of one moment. */
export function whereIs(sql: Sql, clockMs: number, run: string, address: StepAddress): Whereabouts {
  const [ms] = sql.tuple("SELECT ms FROM clock WHERE id = 1") as [number];
  const nowMs = Math.max(Math.floor(clockMs), ms);
  const row = sql.get<Row>(select, address, run);
  if (!row || isEnded(row.runState)) return { nowMs };
  const { state, phase, cursor, session } = row;
  const spec = unpackSpec(address, row.spec);
  const needs = phase === "advance" ? "" : spec.needs;
  const queue = phase === "run" ? spec.queue : CONTROL;
  const limits = phase === "run" ? limitsOf(sql, needs, queue, row.limits) : "";
  const isParked =
    state === "ready" &&
    standsParked(sql, { queue, priority: spec.priority ?? row.runPriority, needs, limits });
  const stands = session === null && row.seq !== 0 && (state === "ready" || phase === "advance");
  return {
    nowMs,
    step: {
      ...{ state: isParked ? "limited" : state, phase, needs, cursor },
      line: stands
        ? placeIn(sql, row, { queue, needs, priority: spec.priority ?? row.runPriority })
        : undefined,
      holder: session === null ? undefined : holderOf(sql, session),
      ...(state === "ready" &&
        limits !== "" && {
          limits: readUses(limits).map(({ limit, key, cost }) => readUsage(sql, nowMs, limit, key, cost)),
        }),
    },
  };
}

/** True for a step whose line is parked on a limit. */
export function standsParked(
  sql: Sql,
  line: {
    readonly queue: string;
    readonly priority: number;
    readonly needs: string;
    readonly limits: string;
  },
): boolean {
  if (line.limits === "") return false;
  const select =
    "SELECT 1 FROM lines WHERE queue = ? AND priority = ? AND needs = ? AND limits = ? AND parked IS NOT NULL";
  return sql.tuple(select, line.queue, line.priority, line.needs, line.limits) !== undefined;
}

/** In the line of its queue and priority, or in that of those who serve what it needs. */
function placeIn(
  sql: Sql,
  { run, seq }: Row,
  { queue, needs, priority }: { queue: string; needs: string; priority: number },
): LinePlace | undefined {
  const entry = sql.tuple(
    "SELECT lines.id, depth FROM lines JOIN ready ON ready.line = lines.id AND ready.seq = ? AND ready.run = ? " +
      "WHERE queue = ? AND priority = ? AND needs IN ('', ?)",
    ...[seq, run, queue, priority, needs],
  ) as [number, number] | undefined;
  if (!entry) return undefined;
  const [line, length] = entry;
  const [depth, higher] = sql.tuple(
    "SELECT sum(depth), sum(CASE WHEN priority > ? THEN depth ELSE 0 END) FROM lines WHERE queue = ?",
    ...[priority, queue],
  ) as [number, number];
  const { inLine, atLeast } = rankOf(sql, line, seq, length);
  const settings = readSettings(sql, queue);
  const before = inLine + (settings?.priority === "weighted" ? 0 : higher);
  return { queue, priority, before, atLeast, depth, ...(settings && { settings }) };
}

/** How many entries stand before one in its line, counted from the end that is nearer. */
function rankOf(sql: Sql, line: number, seq: number, length: number) {
  const older = countUpTo(sql, line, "<", seq);
  if (older < LINE_LOOK_LIMIT) return { inLine: older, atLeast: false };
  const newer = countUpTo(sql, line, ">", seq);
  if (newer < LINE_LOOK_LIMIT) return { inLine: length - 1 - newer, atLeast: false };
  return { inLine: LINE_LOOK_LIMIT, atLeast: true };
}

/** How many entries of a line are older or newer than one, counted no further than the limit. */
function countUpTo(sql: Sql, line: number, side: "<" | ">", seq: number): number {
  const text = `SELECT count(*) FROM (SELECT 1 FROM ready WHERE line = ? AND seq ${side} ? LIMIT ?)`;
  return (sql.tuple(text, line, seq, LINE_LOOK_LIMIT) as [number])[0];
}

function holderOf(sql: Sql, seq: number): Holder | undefined {
  const row = sql.tuple("SELECT id, worker, expires, suspect, state FROM sessions WHERE seq = ?", seq) as
    | [string, string, number, number | null, SessionState]
    | undefined;
  if (!row || row[4] === "over") return undefined;
  const [session, worker, expires, suspect, state] = row;
  const isOpen = state === "open";
  return {
    ...{ session, worker, state },
    expiresAtMs: isOpen && Number.isFinite(expires) ? expires : undefined,
    suspectAtMs: (isOpen && suspect) || undefined,
  };
}
