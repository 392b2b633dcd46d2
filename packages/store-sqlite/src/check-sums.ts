import type { StepAddress } from "@jobbers/core";
import type { Inspection } from "./check.js";
import type { Body, Run } from "./records.js";
import type { Unit } from "./unit.js";

/** What the steps of a run add up to. */
export interface Sums {
  readonly steps: number;
  readonly held: number;
  /** Steps that stand somewhere from where they can move. */
  readonly moving: number;
  readonly bodies: ReadonlyMap<StepAddress, Counted>;
}

type Counted = Pick<Body, "settled" | "failed" | "halted">;

const none: Counted = { settled: 0, failed: 0, halted: 0 };

/** Columns of a step's packed spec: see spec.ts. */
const name = "coalesce(nullif(spec ->> 0, 0), address)";
const owner = "spec ->> 2";
const isSettled = "state IN ('succeeded', 'failed', 'skipped', 'cancelled')";
const isEpilogue = "'/' || address LIKE '%/~onFailure'";

const sumOf = (condition: string) => `coalesce(sum(${condition}), 0)`;

/** Adds up all steps of a run, in one statement. */
export function sumsOf({ sql }: Unit, run: Run): Sums {
  // An onFailure body and the opening are no members; what still has to say what follows has not counted yet.
  const counts = `${isSettled} AND phase <> 'advance' AND address <> '' AND NOT (${isEpilogue})`;
  const rows = sql.tuples(
    `SELECT ${owner}, count(*), count(session), ${sumOf(counts)}, ` +
      `${sumOf(`state = 'failed' AND rescued = -1 AND NOT (${isEpilogue})`)}, ` +
      `${sumOf(`${counts} AND state = 'cancelled' AND reason IN ('stopped', 'body', 'obliterated')`)}, ` +
      `${sumOf("session IS NOT NULL OR phase = 'advance' OR state IN ('ready', 'waiting', 'running')")} ` +
      "FROM steps WHERE run = ? GROUP BY 1",
    run.seq,
  ) as [string, number, number, number, number, number, number][];
  const sum = (column: 1 | 2 | 6) => rows.reduce((total, row) => total + row[column], 0);
  const bodies = new Map(
    rows.map(([address, , , settled, failed, halted]) => [address, { settled, failed, halted }]),
  );
  return { steps: sum(1), held: sum(2), moving: sum(6), bodies };
}

/** Compares what a run counts with what its steps add up to. */
export function compareSums(inspection: Inspection, run: Run, sums: Sums): void {
  const { unit, tell } = inspection;
  if (run.held !== sums.held) {
    const detail = `recorded ${run.held}, counted ${sums.held}`;
    if (tell("count-held", { run: run.id, detail }, true)) {
      run.held = sums.held;
      run.dirty = true;
    }
  }
  compareNames(inspection, run);
  // Nothing counts any more in a run that is being cancelled.
  if (run.cancelling) return;
  compareBody(inspection, run, "", run, sums.bodies.get(""));
  const addresses = unit.sql.tuples("SELECT address FROM bodies WHERE run = ?", run.seq) as [string][];
  for (const [address] of addresses) {
    const step = unit.step(run, address);
    if (step) compareBody(inspection, run, address, unit.body(step), sums.bodies.get(address));
  }
}

function compareBody(
  { tell }: Inspection,
  run: Run,
  address: StepAddress,
  body: Body & { dirty: boolean },
  counted: Counted = none,
): void {
  const text = ({ settled, failed, halted }: Counted) =>
    `${settled} settled, ${failed} failed, ${halted} stopped`;
  if (text(body) === text(counted)) return;
  const detail = `recorded ${text(body)}; counted ${text(counted)}`;
  if (!tell("count-body", { run: run.id, step: address || undefined, detail }, true)) return;
  Object.assign(body, counted);
  body.dirty = true;
}

/** Steps inside maps are counted by name as they go. */
function compareNames({ unit, tell }: Inspection, run: Run): void {
  const rows = unit.sql.tuples(
    "SELECT name, state, sum(recorded), sum(counted) FROM (" +
      "SELECT name, state, n AS recorded, 0 AS counted FROM counts WHERE run = ?1 UNION ALL " +
      `SELECT ${name}, state, 0, count(*) FROM steps WHERE run = ?1 AND ${name} <> address GROUP BY 1, 2` +
      ") GROUP BY 1, 2 HAVING sum(recorded) <> sum(counted)",
    run.seq,
  ) as [string, "ready", number, number][];
  for (const [step, state, recorded, counted] of rows) {
    const detail = `${state}: recorded ${recorded}, counted ${counted}`;
    if (tell("count-name", { run: run.id, step, detail }, true))
      unit.ledger.count(run.seq, step, state, counted - recorded);
  }
}
