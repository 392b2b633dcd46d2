import { type Exchange, type ExchangeReply, JobbersError, type Mail, type Wants } from "@jobbers/core";
import type { Sql } from "./driver.js";
import { grantsOf } from "./grants.js";
import type { Step } from "./records.js";
import { applyReport } from "./report.js";
import { findSession } from "./session.js";
import { Taker } from "./take.js";
import type { KnownSession } from "./turn.js";
import type { Unit } from "./unit.js";

type Result = ExchangeReply["results"][number];

/** What a lane remembers of its last reply; values are read again, and mail is what there is by then. */
interface Remembered {
  readonly results: readonly Result[];
  readonly grants: readonly (readonly [run: number, address: string, fence: number])[];
  readonly more: boolean;
}

/** What a session that is lost may have. */
const NOTHING: Wants = { slots: 0, control: 0, queues: [], inline: false };

/** Settles what is reported and hands out new steps. */
export function exchange(unit: Unit, { session: id, lane, seq, reports, wants }: Exchange): ExchangeReply {
  const found = findSession(unit, id);
  // Leases outlive their session until somebody takes the steps, so what a lost one reports may still count.
  if (!found) return reply(unit, { results: reports.map((each) => applyReport(unit, each)), alive: false });

  const { session, alive } = found;
  const select = "SELECT seq, reply FROM lanes WHERE session = ? AND lane = ?";
  const last = unit.sql.tuple(select, session.seq, lane) as [number, string] | undefined;
  if (last && seq < last[0]) {
    throw new JobbersError(
      "session-lost",
      `lane ${lane} of session ${id} is at ${last[0]}, ${seq} comes too late`,
    );
  }
  if (last && seq === last[0]) return replay(unit, found, JSON.parse(last[1]) as Remembered);

  const taker = new Taker(unit, session, alive ? wants : NOTHING);
  unit.takeInline = (step) => taker.takeInline(step);
  unit.isLeaving = wants.queues.length === 0;
  const results = reports.map((each) => applyReport(unit, each));
  unit.takeInline = undefined;
  taker.takeFromLines();
  const { steps, more } = taker;
  const grants = steps.map(({ run, address, fence }) => [run.seq, address, fence] as const);
  const remembered: Remembered = { results, grants, more };
  const upsert =
    "INSERT INTO lanes (session, lane, seq, reply) VALUES (?, ?, ?, ?) " +
    "ON CONFLICT DO UPDATE SET seq = excluded.seq, reply = excluded.reply";
  unit.sql.run(upsert, session.seq, lane, seq, JSON.stringify(remembered));
  return reply(unit, { session, results, steps, more, alive, taken: taker.taken });
}

/** The same answer once more: the same steps, where they are still the session's. */
function replay(
  unit: Unit,
  { session, alive }: { session: KnownSession; alive: boolean },
  { results, grants, more }: Remembered,
): ExchangeReply {
  const steps = grants.flatMap(([runSeq, address, fence]) => {
    const run = unit.run(runSeq);
    const step = run && unit.step(run, address);
    return step?.fence === fence && step.session === session.seq ? [step] : [];
  });
  return reply(unit, { session, results, steps, more, alive });
}

interface ReplyParts {
  readonly session?: KnownSession;
  readonly results: readonly Result[];
  readonly steps?: readonly Step[];
  readonly more?: boolean;
  readonly alive: boolean;
  readonly taken?: readonly number[] | undefined;
}

function reply(
  unit: Unit,
  { session, results, steps = [], more = false, alive, taken }: ReplyParts,
): ExchangeReply {
  return {
    results,
    grants: grantsOf(unit, steps),
    mail: session ? mailOf(unit, session) : [],
    more,
    alive,
    nextDueMs: nextDueMs(unit),
    ...(taken && { taken }),
  };
}

/** The most mail that one reply carries. */
const MAIL_LIMIT = 500;

/**
 * A session's mail. It is delivered again with each exchange and renewal until the run has ended, that is, until the session has
 * given back what it held of it; `told` only keeps `listen` from waking up for it again.
 */
export function mailOf({ sql }: Unit, session: KnownSession): Mail[] {
  const select =
    "SELECT runs.id, told, run FROM mail JOIN runs ON runs.seq = mail.run WHERE session = ? ORDER BY told, run LIMIT ?";
  const rows = sql.tuples(select, session.seq, MAIL_LIMIT) as [string, number, number][];
  // What has been told least goes first; only where not all of it fits has that to be counted beyond the first time.
  for (const [, told, run] of rows)
    if (told === 0 || rows.length === MAIL_LIMIT)
      sql.run("UPDATE mail SET told = told + 1 WHERE session = ? AND run = ?", session.seq, run);
  return rows.map(([run]) => ({ type: "cancel", run }));
}

/** How long until the next timer is due. */
export function nextDueMs({ sql, now }: Unit): number | undefined {
  const due = nextDue(sql);
  return due === undefined ? undefined : Math.max(0, due - now);
}

/** When the next timer is due, be it a step's, a limit's or a line's. */
export function nextDue(sql: Sql): number | undefined {
  const first = sql.tuple("SELECT due FROM timers ORDER BY due LIMIT 1")?.[0] as number | undefined;
  const wake = sql.tuple("SELECT due FROM wakes ORDER BY due LIMIT 1")?.[0] as number | undefined;
  const near = sql.tuple("SELECT due FROM lines WHERE due IS NOT NULL ORDER BY due LIMIT 1")?.[0] as
    | number
    | undefined;
  const due = Math.min(...[first, wake, near].filter((each) => each !== undefined));
  return due === Number.POSITIVE_INFINITY ? undefined : due;
}
