import { type Contender, type Served, sharesOf, tagAfter, virtualAfter } from "@jobbers/core";
import { openLines, serve, serveRound, type TurnLine, type Turns, turnOf } from "./take-in-turn.js";
import {
  countTenants,
  nextTenants,
  openRings,
  type Ring,
  setTag,
  setTime,
  tagOf,
  weightIn,
  weightsOf,
} from "./tenants.js";
import type { Unit } from "./unit.js";

/**
 * Taking from queues in which tenants take turns. First they do, each according to its weight, and all steps without a tenant are one of
 * them; then, below each tenant, its lines, as lines do where nobody is a tenant.
 */

/** The most rounds of one exchange, and the most lines of a round. */
const ROUNDS = 100;
const LINES = 1_000;

/** How many tenants a round looks at, at the least. */
const LOOK_LEAST = 20;

/** One that takes turns: a tenant, or all steps without one. */
interface Candidate extends Contender {
  readonly tenant: string;
  /** What it is put in order by where several start at once. */
  readonly tag: number;
  serve(most: number): { readonly taken: number; readonly isOpen: boolean };
}

/** True where tenants have steps that the session serves. */
export function hasTenants({ sql }: Unit, { queues, serves }: Turns, priority: number): boolean {
  return queues.some((queue) => openRings(sql, queue, priority).some(({ needs }) => serves.has(needs)));
}

/** Takes what there is of one priority: from each queue with tenants, and from all others together, in turn. */
export function takeFairly(unit: Unit, turns: Turns, priority: number): void {
  for (let round = 0; round < ROUNDS && turns.room() > 0 && !turns.isFull(); round++) {
    unit.ledger.flush();
    const groups = groupsOf(unit, turns, priority);
    if (groups.length === 0) return;
    const most = Math.ceil(turns.room() / groups.length);
    for (const { queues, rings } of groups) {
      if (turns.room() <= 0 || turns.isFull()) return;
      const own = within(turns, queues, most);
      if (rings) serveTenants(unit, own, { queue: queues[0] as string, priority, rings });
      else serveOthers(unit, own, priority);
    }
  }
}

interface Group {
  readonly queues: readonly string[];
  readonly turn: number;
  /** Absent for those without tenants. */
  readonly rings?: readonly Ring[];
}

/** What takes turns among several queues, those first that were served longest ago. */
function groupsOf(unit: Unit, turns: Turns, priority: number): Group[] {
  const groups: Group[] = [];
  const others: string[] = [];
  for (const queue of new Set(turns.queues)) {
    const rings = openRings(unit.sql, queue, priority).filter(({ needs }) => turns.serves.has(needs));
    if (rings.length === 0) others.push(queue);
    else groups.push({ queues: [queue], rings, turn: Math.max(...rings.map(({ turn }) => turn)) });
  }
  const { plain, limited } = linesOf(unit, within(turns, others, turns.room()), priority);
  const lines = [...(plain.length > 0 ? [turnOf(unit, plain)] : []), ...limited.map(({ turn }) => turn)];
  if (lines.length > 0) groups.push({ queues: others, turn: Math.min(...lines) });
  return groups.sort((a, b) => a.turn - b.turn);
}

/** The same for some of the queues, and for some of the room. */
function within(turns: Turns, queues: readonly string[], most: number): Turns {
  const floor = Math.max(0, turns.room() - most);
  return {
    ...turns,
    queues,
    room: () => turns.room() - floor,
    plain: (priority) => turns.plain(priority).filter(({ queue }) => queues.includes(queue)),
  };
}

/** The lines of those who are nobody's. */
function linesOf(unit: Unit, turns: Turns, priority: number) {
  const limited = openLines(unit, turns, priority, Math.min(LINES, turns.room()));
  return { plain: turns.plain(priority), limited };
}

function serveOthers(unit: Unit, turns: Turns, priority: number) {
  const { plain, limited } = linesOf(unit, turns, priority);
  const before = turns.room();
  serveRound(unit, turns, plain, limited);
  return { taken: before - turns.room(), isOpen: turns.room() <= 0 };
}

interface Place {
  readonly queue: string;
  readonly priority: number;
  readonly rings: readonly Ring[];
}

/** Gives each tenant its part of the room, those first whose turn it is. */
function serveTenants(unit: Unit, turns: Turns, place: Place): void {
  const { queue, priority, rings } = place;
  const time = Math.max(...rings.map((ring) => ring.time));
  const { candidates, horizon } = candidatesOf(unit, turns, place, time);
  const shares = sharesOf(candidates, turns.room(), horizon);
  const served = candidates.map((candidate, i): Served => {
    const { start, weight, tenant } = candidate;
    const most = turns.isFull() ? 0 : Math.min(shares[i] as number, turns.room());
    if (most <= 0) return { start, weight, taken: 0, isOpen: true };
    const given = { start, weight, ...candidate.serve(most) };
    if (given.taken > 0) setTag(unit.sql, queue, priority, { tenant, tag: tagAfter(given) });
    return given;
  });
  const open = rings.reduce(
    (sum, { needs }) => sum + countTenants(unit.sql, { queue, priority, needs }, LINES),
    0,
  );
  setTime(unit.sql, queue, priority, {
    rings,
    time: virtualAfter(time, served, open),
    turn: unit.turn.nextSeq(),
  });
}

/** Who takes turns, by whose turn it is, and where those may start whom nobody has looked at. */
function candidatesOf(unit: Unit, turns: Turns, place: Place, time: number) {
  const { queue, priority, rings } = place;
  const most = Math.min(LINES, Math.max(LOOK_LEAST, turns.room()));
  const pages = rings.map(({ needs }) => nextTenants(unit.sql, { queue, priority, needs }, most));
  const ends = pages.filter(({ length }) => length === most).map((page) => page.at(-1)?.tag as number);
  const horizon = Math.max(time, Math.min(Number.POSITIVE_INFINITY, ...ends));
  const weights = weightsOf(unit.sql, queue);
  const tags = new Map(pages.flat().map(({ tenant, tag }) => [tenant, tag]));
  const candidates = [...tags].map(
    ([tenant, tag]): Candidate => ({
      ...{ tenant, tag, start: Math.max(tag, time), weight: weightIn(weights, tenant) },
      serve: (share) => serveLines(unit, turns, place, tenant, share),
    }),
  );
  const { plain, limited } = linesOf(unit, turns, priority);
  if (plain.length + limited.length > 0) {
    const tag = tagOf(unit.sql, queue, priority, "");
    const serveSome = (share: number) => serveOthers(unit, within(turns, [queue], share), priority);
    candidates.push({ tenant: "", tag, start: Math.max(tag, time), weight: 1, serve: serveSome });
  }
  candidates.sort((a, b) => a.start - b.start || a.tag - b.tag || (a.tenant < b.tenant ? -1 : 1));
  return { candidates, horizon };
}

/** Gives a tenant's lines in turn what is its part. */
function serveLines(unit: Unit, turns: Turns, place: Place, tenant: string, share: number) {
  const own = within(turns, [place.queue], share);
  let open: readonly TurnLine[] = linesOfTenant(unit, place, tenant, share);
  const areAll = open.length < share;
  let taken = 0;
  while (open.length > 0 && own.room() > 0 && !own.isFull()) {
    const most = Math.ceil(own.room() / open.length);
    open = open.filter((line) => {
      if (own.room() <= 0 || own.isFull()) return true;
      const given = serve(unit, own, line, most);
      taken += given.taken;
      return given.isOpen;
    });
  }
  return { taken, isOpen: open.length > 0 || !areAll };
}

function linesOfTenant(unit: Unit, { queue, priority, rings }: Place, tenant: string, most: number) {
  const select =
    "SELECT id, queue, priority, needs, limits, tenant, turn FROM lines WHERE queue = ? AND priority = ? AND needs = ? AND tenant = ? " +
    "AND tenant <> '' AND parked IS NULL AND depth > 0 ORDER BY turn LIMIT ?";
  const lines = rings.flatMap(({ needs }) =>
    unit.sql.all<TurnLine>(select, queue, priority, needs, tenant, most),
  );
  return lines.sort((a, b) => a.turn - b.turn).slice(0, most);
}
