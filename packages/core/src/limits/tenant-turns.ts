/**
 * Turns of tenants, by start-time fair queueing (Goyal, Vin, Cheng: Start-time Fair Queuing, SIGCOMM 1996). Each tenant has a tag, the
 * virtual time at which all that it has had is paid for at its weight. Its next step starts at that, or at the queue's virtual time V
 * where that is later, and puts the tag on by 1 / weight. Whose step starts first goes first. So who was away has saved nothing up, and
 * who comes new begins where all others are.
 */

/** A tenant with something to run. */
export interface Contender {
  /** The virtual time at which its next step starts. */
  readonly start: number;
  readonly weight: number;
}

/** The default weight of a key. */
export const DEFAULT_WEIGHT = 1;

/** What rounding may add up to; a step more or less is put right with the next exchange. */
const SLACK = 1e-9;

/**
 * How many of some slots each contender may take: those steps that start first. Together they may be some more than there are slots, so
 * that who is asked last may get less.
 *
 * @param contenders by start
 * @param horizon where others may start that are not among them: nobody is given what starts later
 */
export function sharesOf(
  contenders: readonly Contender[],
  slots: number,
  horizon = Number.POSITIVE_INFINITY,
): number[] {
  // The instant before which as many steps start as there are slots.
  let weights = 0;
  let paid = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const { start, weight } of contenders) {
    if (weights > 0 && start >= until) break;
    weights += weight;
    paid += start * weight;
    until = (slots + paid) / weights;
  }
  const end = Math.min(until, horizon);
  return contenders.map(({ start, weight }) =>
    start > end ? 0 : Math.min(slots, Math.max(1, Math.ceil((end - start) * weight - SLACK))),
  );
}

/** How much slower than all who wait the virtual time goes on by itself: a faster one overtakes those with large weights beside small ones. */
const CREEP = 8;

/** What one contender was given in a round. */
export interface Served extends Contender {
  readonly taken: number;
  /** True where it still has something to run. */
  readonly isOpen: boolean;
}

/** The tag of who was given something. */
export function tagAfter({ start, weight, taken }: Served): number {
  return start + taken / weight;
}

/**
 * The virtual time after a round: where the last step of the round started, as far as nobody who still waits is behind that. It goes on
 * at an eighth of the pace of all who wait at the least, so that those who come new, and start at V, cannot for ever go before the others.
 *
 * @param open how many tenants wait
 */
export function virtualAfter(before: number, served: readonly Served[], open: number): number {
  const given = served.filter(({ taken }) => taken > 0);
  if (given.length === 0) return before;
  const last = Math.max(...given.map((each) => tagAfter(each) - 1 / each.weight));
  const behind = Math.min(...served.filter(({ isOpen }) => isOpen).map(tagAfter));
  const taken = given.reduce((sum, each) => sum + each.taken, 0);
  const weights = served.reduce((sum, { weight }) => sum + weight, 0);
  const pace = taken / ((CREEP * Math.max(open, served.length) * weights) / served.length);
  return Math.max(before + pace, Math.min(last, behind));
}
