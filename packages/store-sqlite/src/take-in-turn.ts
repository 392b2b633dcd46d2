import { readUses } from "./limit-rules.js";
import type { KnownLine } from "./turn.js";
import type { Unit } from "./unit.js";

/**
 * Taking in turn: where a queue has lines under limits, they and the lines without limits are served one after the other, those first
 * that were served longest ago. All lines without limits count as one, in which the oldest goes first, as ever.
 */
export interface Turns {
  readonly queues: readonly string[];
  readonly serves: ReadonlySet<string>;
  /** How many more are wanted. */
  room(): number;
  /** True when nothing more is looked at in this exchange. */
  isFull(): boolean;
  /** How many entries were moved to other lines so far. */
  moved(): number;
  /** The open lines without limits, of a priority. */
  plain(priority: number): readonly KnownLine[];
  merge(lines: readonly KnownLine[], most: number): number;
  drain(line: KnownLine, most: number): { readonly taken: number; readonly isDry: boolean };
}

/** The most rounds of one exchange, and the most lines of one round. */
const ROUNDS = 100;
const LINES = 1_000;

/** True where any line under limits is open. */
export function hasLimitedLines({ sql }: Unit, queues: readonly string[]): boolean {
  const select = "SELECT 1 FROM lines WHERE queue = ? AND limits <> '' AND parked IS NULL LIMIT 1";
  return queues.some((queue) => sql.tuple(select, queue) !== undefined);
}

/** The priorities of a queue with open lines under limits, of those that the session serves. */
export function limitedPriorities({ sql }: Unit, queue: string, serves: ReadonlySet<string>): number[] {
  const select =
    "SELECT DISTINCT priority, needs FROM lines WHERE queue = ? AND limits <> '' AND parked IS NULL AND depth > 0";
  const rows = sql.tuples(select, queue) as [number, string][];
  return rows.filter(([, needs]) => serves.has(needs)).map(([priority]) => priority);
}

/** Takes what there is of one priority. */
export function takeInTurn(unit: Unit, turns: Turns, priority: number): void {
  for (let round = 0; round < ROUNDS && turns.room() > 0 && !turns.isFull(); round++) {
    // What was moved from one line to another is to be found in its new one.
    unit.ledger.flush();
    const plain = turns.plain(priority);
    const limited = openLines(unit, turns, priority, Math.min(LINES, turns.room()));
    if (limited.length === 0 && plain.length === 0) return;
    if (limited.length === 0) {
      const before = turns.moved();
      turns.merge(plain, turns.room());
      if (turns.moved() === before) return;
      continue;
    }
    serveRound(unit, turns, plain, limited);
  }
}

interface TurnLine extends KnownLine {
  readonly turn: number;
}

function serveRound(
  unit: Unit,
  turns: Turns,
  plain: readonly KnownLine[],
  limited: readonly TurnLine[],
): void {
  const most = Math.max(1, Math.ceil(turns.room() / (limited.length + (plain.length > 0 ? 1 : 0))));
  const plainTurn = plain.length === 0 ? Number.POSITIVE_INFINITY : turnOf(unit, plain);
  let isPlainServed = plain.length === 0;
  const servePlain = () => {
    isPlainServed = true;
    if (turns.merge(plain, Math.min(most, turns.room())) === 0) return;
    for (const { id } of plain) serveNow(unit, id);
  };
  for (const line of limited) {
    if (!isPlainServed && plainTurn < line.turn) servePlain();
    if (turns.room() <= 0 || turns.isFull()) return;
    serve(unit, turns, line, most);
  }
  if (!isPlainServed && turns.room() > 0 && !turns.isFull()) servePlain();
}

function serve(unit: Unit, turns: Turns, line: TurnLine, most: number): void {
  const uses = readUses(line.limits);
  const before = unit.limits.room(uses);
  if (before.refusing) {
    unit.limits.park(line.id, before.refusing);
    return;
  }
  const { taken, isDry } = turns.drain(line, Math.min(most, before.n, turns.room()));
  if (isDry) return;
  if (taken > 0) serveNow(unit, line.id);
  const { refusing } = unit.limits.room(uses);
  if (refusing) unit.limits.park(line.id, refusing);
}

function serveNow(unit: Unit, line: number): void {
  unit.sql.run("UPDATE lines SET turn = ? WHERE id = ?", unit.turn.nextSeq(), line);
}

function turnOf(unit: Unit, lines: readonly KnownLine[]): number {
  const turns = lines.map(
    ({ id }) => (unit.sql.tuple("SELECT turn FROM lines WHERE id = ?", id) as [number])[0],
  );
  return Math.min(...turns);
}

/** The open lines under limits that the session serves, those first that were served longest ago. */
function openLines(unit: Unit, { queues, serves }: Turns, priority: number, most: number): TurnLine[] {
  const select =
    "SELECT id, queue, priority, needs, limits, turn FROM lines WHERE queue = ? AND priority = ? AND limits <> '' " +
    "AND parked IS NULL AND depth > 0 AND needs IN (SELECT value FROM json_each(?)) ORDER BY turn LIMIT ?";
  const served = JSON.stringify([...serves]);
  const lines = [...new Set(queues)].flatMap((queue) =>
    unit.sql.all<TurnLine>(select, queue, priority, served, most),
  );
  return lines.sort((a, b) => a.turn - b.turn).slice(0, most);
}
