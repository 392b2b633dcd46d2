import type { Member } from "./crew.js";
import { type Fault, type FaultKind, pickBusy, type Scene } from "./fault.js";
import { freeze } from "./freeze.js";
import type { HandlerLine } from "./ledgers.js";
import { isCareful } from "./performing.js";
import { recoveryMs, type Terms } from "./terms.js";

/** How many are frozen until one is that had not finished just before it stood still. */
const LOOKS = 5;

/**
 * A frozen worker that comes back by chance mostly reports long before its steps have gone to others, or long after. This one comes
 * back while another is at one of them: two are at one step then, and the report of the first must be refused.
 */
export const lateReturn: FaultKind = {
  name: "late-return",
  what: "SIGSTOP of a worker in the middle of its work, and SIGCONT as soon as another has begun it anew",
  async inject(scene) {
    for (let looks = 0; looks < LOOKS; looks++) {
      const victim = await pickBusy(scene, isWorthWaitingFor(scene.terms));
      const fault = victim && (await freezeUntilTaken(scene, victim));
      if (fault) return fault;
    }
    return undefined;
  },
  hasProvoked: ({ work }) => work.contested() > 0,
};

async function freezeUntilTaken(scene: Scene, victim: Member): Promise<Fault | undefined> {
  const { crew, work, terms, isShared } = scene;
  const { pid } = victim;
  const free = crew.claim(victim);
  const at = Date.now();
  const thaw = await freeze(pid);
  const held = work.underWay(pid).filter(isWorthWaitingFor(terms));
  if (held.length > 0) await work.untilTaken(held, 2 * recoveryMs(terms));
  await thaw();
  free();
  if (held.length === 0) return undefined;
  // The others may have had to wait for a lock that a stopped process holds.
  const reach = isShared ? "everybody" : "victims";
  return { kind: "late-return", at, until: Date.now(), pids: [pid], reach };
}

/** True for what is reported in any case, and takes long enough for two to be at it. */
function isWorthWaitingFor({ longestMs }: Terms): (line: HandlerLine) => boolean {
  return ({ run, ms }) => !isCareful(run) && ms > 0.4 * longestMs;
}
