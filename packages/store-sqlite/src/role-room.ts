import type { Sql } from "./driver.js";
import type { KnownSession, Turn } from "./turn.js";

/** Sessions that may hold steps: the open ones, and those whose steps are on their way back. */
const crewOf = "SELECT seq FROM sessions WHERE role = roles.name AND state <> 'over'";

/** What the sessions of a role run: what they hold without control work, so that whoever ends a lease frees its place. */
const running = `(SELECT count(*) FROM held WHERE control = 0 AND session IN (${crewOf}))`;

/** How many steps the workers of roles may run at once, as one verb sees it. A store without such roles is asked once, and no more. */
export class RoleRoom {
  readonly #sql: Sql;
  readonly #turn: Turn;
  #isOn: boolean | undefined;
  #crew: ReadonlySet<number> | undefined;
  #onFreed: (() => void) | undefined;

  constructor(sql: Sql, turn: Turn) {
    this.#sql = sql;
    this.#turn = turn;
  }

  /** How many steps more the role of a session may run, below zero after an edit; `undefined` where any number. */
  of(session: KnownSession): number | undefined {
    if (!this.#isCapped) return undefined;
    const select =
      `SELECT concurrency - ${running} FROM roles WHERE concurrency IS NOT NULL ` +
      "AND name = (SELECT role FROM sessions WHERE seq = ?)";
    return this.#sql.tuple(select, session.seq)?.[0] as number | undefined;
  }

  /** From now on tells of each step that ends in the hands of a session's role. */
  watch(session: KnownSession, onFreed: () => void): void {
    const select =
      "SELECT seq FROM sessions WHERE role = (SELECT role FROM sessions WHERE seq = ?) AND state <> 'over'";
    this.#crew = new Set(this.#sql.tuples(select, session.seq).map(([seq]) => seq as number));
    this.#onFreed = onFreed;
  }

  /** Tells of no more of them. */
  unwatch(): void {
    this.#onFreed = undefined;
  }

  /** The lease of a session on a step to run has ended. */
  freed(session: number): void {
    if (!this.#isCapped) return;
    // Who waits for room is to look, whatever becomes of the step.
    this.#turn.effects.opened = true;
    if (this.#crew?.has(session)) this.#onFreed?.();
  }

  get #isCapped(): boolean {
    this.#isOn ??= isAnyCapped(this.#sql);
    return this.#isOn;
  }
}

function isAnyCapped(sql: Sql): boolean {
  return sql.tuple("SELECT 1 FROM roles WHERE concurrency IS NOT NULL LIMIT 1") !== undefined;
}

/** The open sessions whose role runs as many steps as it may: all that is for them is control work. */
export function fullSessions(sql: Sql): ReadonlySet<number> {
  if (!isAnyCapped(sql)) return new Set();
  const full = `SELECT name FROM roles WHERE concurrency IS NOT NULL AND concurrency <= ${running}`;
  const select = `SELECT seq FROM sessions WHERE state = 'open' AND role IN (${full})`;
  return new Set(sql.tuples(select).map(([seq]) => seq as number));
}
