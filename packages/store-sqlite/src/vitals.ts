import {
  BEATS_LIMIT,
  type Beat,
  type Bulletin,
  type JsonValue,
  type Lease,
  progressNews,
  type Vitals,
} from "@jobbers/core";
import { tellDurations } from "./durations.js";
import { insertEvent } from "./feed.js";
import type { KnownSession } from "./turn.js";
import type { Unit } from "./unit.js";

/** Keeps what a worker tells of itself; answers the leases of those beats that are stale. */
export function hear(unit: Unit, session: KnownSession, { lagMs, bulletin }: Vitals): Lease[] {
  const { sql } = unit;
  sql.run("UPDATE sessions SET lag = ? WHERE seq = ?", Math.round(lagMs), session.seq);
  if (!bulletin) return [];
  const [told] = sql.tuple("SELECT told FROM sessions WHERE seq = ?", session.seq) as [number];
  const isNew = bulletin.seq > told;
  if (isNew) tell(unit, session, bulletin);
  const beats = bulletin.beats.slice(0, BEATS_LIMIT);
  // What is repeated is answered alike, and changes nothing.
  return beats.filter((beat) => !keepBeat(unit, session, beat, isNew)).map(({ lease }) => lease);
}

function tell(
  unit: Unit,
  session: KnownSession,
  { seq, slots, running, waiting, durations }: Bulletin,
): void {
  const { sql, now } = unit;
  const update = "UPDATE sessions SET told = ?, heard = ?, slots = ?, running = ?, waiting = ? WHERE seq = ?";
  sql.run(update, seq, now, slots, running, waiting ?? null, session.seq);
  for (const each of durations) tellDurations(unit, each);
}

/** Keeps a beat beside the lease that it is of, with which it ends; false where that is not the newest. */
function keepBeat(unit: Unit, session: KnownSession, beat: Beat, isNew: boolean): boolean {
  const { sql, now } = unit;
  const { run: id, address, fence } = beat.lease;
  const select =
    "SELECT held.run, held.since, held.at, held.progress FROM held JOIN runs ON runs.seq = held.run " +
    "JOIN steps ON steps.run = held.run AND steps.address = held.address " +
    "WHERE held.session = ? AND runs.id = ? AND held.address = ? AND steps.fence = ?";
  const row = sql.tuple(select, session.seq, id, address, fence);
  if (!row || !isNew) return row !== undefined;
  const [run, since, before, rest] = row as [number, number | null, string | null, string | null];
  const at = beat.at === undefined ? null : JSON.stringify(beat.at);
  sql.run(
    "UPDATE held SET heard = ?, since = ?, at = ?, progress = ? WHERE session = ? AND run = ? AND address = ?",
    now - Math.round(beat.agoMs),
    since !== null && at === before ? since : now - Math.round(beat.forMs),
    at,
    beat.rest,
    session.seq,
    run,
    address,
  );
  const news = at === before && beat.rest === rest ? undefined : progressNews(beat);
  if (news) insertEvent(unit, run, "step.progress", address, JSON.parse(news) as JsonValue);
  return true;
}
