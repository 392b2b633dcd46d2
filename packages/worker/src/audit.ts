import type { Lease, Store, TaskLog } from "@jobbers/core";
import type { Lane } from "./lane.js";
import type { Holding, Ledger } from "./ledger.js";
import { messageOf } from "./persistence.js";

/**
 * Compares what the store believes this worker to hold with what it does hold, and settles the difference: a step that only the
 * store knows of (its grant was lost on the way) is given back, one that only the worker knows of is no longer its own.
 *
 * Grants and reports that are under way look like differences. So nothing is done before two looks agree, and between them
 * every exchange that was under way at the first must have been answered.
 */
export interface AuditOptions {
  readonly store: Pick<Store, "listHeld" | "release">;
  readonly ledger: Ledger;
  readonly lanes: () => readonly Lane[];
  readonly log: TaskLog;
}

interface Look {
  readonly session: string;
  readonly strangers: ReadonlySet<string>;
  readonly missing: ReadonlySet<Holding>;
  /** For each lane with an exchange under way, how many were answered before. */
  readonly pending: ReadonlyMap<Lane, number>;
}

/** Every how many renewals the counts are compared. */
const EVERY = 3;

/** As many leases as one look sees; beyond it nothing can be said to be missing. */
const MAX_SEEN = 10_000;

export class Audit {
  readonly #options: AuditOptions;
  #renewals = 0;
  #last: Look | undefined;
  #looking = false;

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  /** A renewal said how many steps the store believes the session to hold. */
  async hear(session: string, held: number): Promise<void> {
    this.#renewals += 1;
    const due = this.#last !== undefined || this.#renewals % EVERY === 0;
    if (!due || this.#looking) return;
    if (held === this.#options.ledger.size) {
      this.#last = undefined;
      return;
    }
    this.#looking = true;
    try {
      await this.#look(session);
    } catch (error) {
      this.#options.log.debug("what the store believes this worker to hold cannot be read", {
        error: messageOf(error),
      });
    } finally {
      this.#looking = false;
    }
  }

  async #look(session: string): Promise<void> {
    const { store, ledger, lanes } = this.#options;
    const underWay = () => lanes().flatMap((lane) => (lane.inFlight ? [[lane, lane.answered] as const] : []));
    const before = underWay();
    const held = await store.listHeld(session);
    // What began while the store was asked may be in its answer already.
    const pending = new Map([...underWay(), ...before]);
    const own = new Map([...ledger].map((holding) => [idOf(holding.lease), holding] as const));
    const theirs = new Map(held.map((lease) => [idOf(lease), lease] as const));
    const complete = held.length < MAX_SEEN;
    const look: Look = {
      session,
      strangers: new Set([...theirs.keys()].filter((id) => !own.has(id))),
      missing: new Set(complete ? [...own.values()].filter(({ lease }) => !theirs.has(idOf(lease))) : []),
      pending,
    };
    const last = this.#last;
    this.#last = look;
    if (last?.session !== session || [...last.pending].some(([lane, count]) => lane.answered === count))
      return;
    this.#last = undefined;
    const strangers = [...look.strangers].filter((id) => last.strangers.has(id));
    await this.#settle(
      session,
      strangers.map((id) => theirs.get(id) as Lease),
      [...look.missing].filter((each) => last.missing.has(each)),
    );
  }

  async #settle(session: string, strangers: readonly Lease[], missing: readonly Holding[]): Promise<void> {
    if (strangers.length + missing.length === 0) return;
    const { store, log } = this.#options;
    log.warn("the store and this worker disagree about what it holds", {
      given: strangers.length,
      lost: missing.length,
    });
    for (const holding of missing) holding.disown();
    if (strangers.length > 0) await store.release(session, strangers);
  }
}

function idOf({ run, address, fence }: Lease): string {
  return `${run} ${address} ${fence}`;
}
