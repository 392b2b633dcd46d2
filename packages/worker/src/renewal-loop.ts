import type { Bulletin, Lease, Mail, Renewal, Vitals } from "@jobbers/core";
import type { Pulse } from "./pulse.js";
import { monotonicMs } from "./waiting.js";

/**
 * Renewing a session, wherever that is done: on the renewal thread, or on the main loop of a store that has no renewal module.
 *
 *   wait a third of the lease ──▶ main loop went round lately? ──no──▶ say so, renew nothing
 *            ▲                             │ yes: ask what it has to tell
 *            │                             ▼
 *            └──── say what came ◀──── renew ──rejected──▶ wait a fifteenth of the lease ──▶ again
 *
 * Nothing but `signal` ends it. Renewing proves that the worker works, not merely that its process exists: so a main loop that
 * has not gone round for `maxBlockMs` is not vouched for.
 */

/** What the loop tells. */
export type RenewalNews =
  | {
      readonly type: "renewed";
      readonly session: string;
      readonly held: number;
      readonly mail: readonly Mail[];
      /** The bulletin that went with it, and what of it was stale. */
      readonly told: { readonly seq: number; readonly stale: readonly Lease[] } | undefined;
    }
  | { readonly type: "lost"; readonly session: string }
  | { readonly type: "blocked"; readonly forMs: number }
  | { readonly type: "trouble"; readonly message: string };

export interface RenewalTerms {
  readonly leaseMs: number;
  /** How long a renewal is worth, in milliseconds: the lease, or `Infinity` where sessions never expire. */
  readonly trustMs: number;
  /** How long the main loop may be silent, in milliseconds. */
  readonly maxBlockMs: number;
  /** How often the main loop says that it goes round, in milliseconds: silence for so long is no lag. */
  readonly tickMs: number;
}

export interface RenewalPort {
  /** The session to renew now. */
  session(): string;
  renew(session: string, vitals: Vitals): Promise<Renewal>;
  /** What the main loop has to tell; `undefined` where it does not answer soon. */
  bulletin(session: string): Promise<Bulletin | undefined> | Bulletin | undefined;
  tell(news: RenewalNews): void;
  /** Waits so long, or until the signal aborts. */
  wait(ms: number): Promise<void>;
  readonly signal: AbortSignal;
  readonly random: () => number;
}

/** How far before its end a lease is no longer trusted, in milliseconds. */
export function marginMs(leaseMs: number): number {
  return leaseMs / 5;
}

/** How long it is at most from one renewal of a lease to the next, in milliseconds. */
export function renewalMs(leaseMs: number): number {
  return leaseMs / 3;
}

/** Until when a lease of so long is trusted that was asked for at an instant. */
export function trustedUntil(sentMs: number, trustMs: number): number {
  return Number.isFinite(trustMs) ? sentMs + trustMs - marginMs(trustMs) : Number.POSITIVE_INFINITY;
}

/** A connection can wedge without an error; then the next renewal gets its turn all the same. */
async function withDeadline<T>(answer: Promise<T>, port: RenewalPort, ms: number): Promise<T> {
  const over = port.wait(ms).then(() => {
    throw new Error(`a renewal was not answered within ${Math.round(ms)} ms`);
  });
  over.catch(() => {});
  return await Promise.race([answer, over]);
}

/** Renews until the signal aborts; survives every error. */
export async function renewalLoop(terms: RenewalTerms, pulse: Pulse, port: RenewalPort): Promise<void> {
  let failed = false;
  while (!port.signal.aborted) {
    const fullMs = failed ? terms.leaseMs / 15 : renewalMs(terms.leaseMs);
    await port.wait(fullMs * (0.8 + 0.2 * port.random()));
    if (port.signal.aborted) return;
    failed = !(await renewOnce(terms, pulse, port));
  }
}

async function renewOnce(terms: RenewalTerms, pulse: Pulse, port: RenewalPort): Promise<boolean> {
  const { silentMs } = pulse;
  if (silentMs > terms.maxBlockMs) {
    port.tell({ type: "blocked", forMs: silentMs });
    return false;
  }
  const session = port.session();
  try {
    const bulletin = await port.bulletin(session);
    if (port.signal.aborted) return true;
    const lagMs = Math.max(0, pulse.silentMs - terms.tickMs);
    const sentMs = monotonicMs();
    const renewal = port.renew(session, { lagMs, bulletin });
    const { status, held, mail, stale = [] } = await withDeadline(renewal, port, renewalMs(terms.leaseMs));
    if (session !== port.session()) return true;
    if (status === "alive") pulse.trustUntil(trustedUntil(sentMs, terms.trustMs));
    const told = bulletin && { seq: bulletin.seq, stale };
    port.tell(
      status === "alive" ? { type: "renewed", session, held, mail, told } : { type: "lost", session },
    );
    return true;
  } catch (error) {
    port.tell({ type: "trouble", message: error instanceof Error ? error.message : String(error) });
    return false;
  }
}
