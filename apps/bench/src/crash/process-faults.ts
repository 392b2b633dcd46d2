import { setTimeout as sleep } from "node:timers/promises";
import type { Member } from "./crew.js";
import { between, type Fault, type FaultKind, pickBusy, pickVictim, type Scene } from "./fault.js";
import { freeze } from "./freeze.js";
import { lateReturn } from "./late-return.js";
import { pastLeaseMs } from "./terms.js";

/** How long a worker that drains may take, whatever happens to its store meanwhile. */
const END_MS = 40_000;

/** What can happen to a process, whatever the store is. */
export const processFaults: readonly FaultKind[] = [
  {
    name: "kill",
    what: "SIGKILL of a worker, sometimes of all of them, and restart",
    async inject(scene) {
      const { crew, random } = scene;
      const victim = (await pickBusy(scene, () => true)) ?? pickVictim(scene);
      const victims = random() < 0.1 ? crew.idle() : victim ? [victim] : [];
      if (victims.length === 0) return undefined;
      const at = Date.now();
      const restMs = between(random, 50, 1_000);
      await Promise.all(victims.map((each) => endAndRestart(scene, each, "SIGKILL", restMs)));
      return { kind: "kill", at, until: at, pids: victims.map(({ pid }) => pid), reach: "victims" };
    },
    hasProvoked: ({ crew, work }) =>
      crew.lives.some(({ pid, endedAt }) => endedAt !== undefined && work.underWay(pid).length > 0),
  },
  {
    name: "stop",
    what: "SIGSTOP of a worker past its lease, then SIGCONT",
    async inject(scene) {
      const { crew, isShared } = scene;
      const victim = pickVictim(scene);
      if (!victim) return undefined;
      const free = crew.claim(victim);
      const at = Date.now();
      const thaw = await freeze(victim.pid);
      await sleep(awayMs(scene));
      await thaw();
      free();
      return over("stop", at, victim, isShared ? "everybody" : "victims");
    },
  },
  lateReturn,
  {
    name: "block",
    what: "a worker's event loop blocked, mostly past its lease",
    async inject(scene) {
      const { crew, terms, random } = scene;
      const victim = pickVictim(scene);
      if (!victim) return undefined;
      const free = crew.claim(victim);
      const at = Date.now();
      const shortMs = between(random, terms.maxBlockMs / 2, terms.maxBlockMs);
      const longMs = terms.maxBlockMs + awayMs(scene);
      const ms = random() < 0.3 ? shortMs : longMs;
      victim.child.send({ type: "block", ms });
      await victim.child.until("unblocked", ms + 20_000);
      free();
      return over("block", at, victim, "victims");
    },
  },
  {
    name: "drain",
    what: "SIGTERM of a worker, which drains, and restart",
    async inject(scene) {
      const victim = pickVictim(scene);
      if (!victim) return undefined;
      const at = Date.now();
      const endedAt = await endAndRestart(scene, victim, "SIGTERM", between(scene.random, 50, 1_000));
      return { kind: "drain", at, until: endedAt, pids: [victim.pid], reach: "nobody" };
    },
  },
  {
    name: "submitter",
    what: "SIGKILL of the submitter, and restart: it resends what was not answered",
    async inject({ submitter, random }) {
      if (!submitter) return undefined;
      const at = Date.now();
      await submitter.crash();
      await sleep(between(random, 50, 500));
      await submitter.start();
      return { kind: "submitter", at, until: Date.now(), pids: [], reach: "nobody" };
    },
  },
];

/** From when a lease may end until surely after it: so that some come back just when others have taken their steps. */
function awayMs({ terms, random }: Scene): number {
  return between(random, 0.9 * terms.leaseMs, 1.2 * pastLeaseMs(terms));
}

function over(kind: string, at: number, { pid }: Member, reach: Fault["reach"]): Fault {
  return { kind, at, until: Date.now(), pids: [pid], reach };
}

/** Ends a worker, waits a while, and starts another under its name; answers when it was gone. */
async function endAndRestart(
  { crew }: Scene,
  victim: Member,
  signal: "SIGKILL" | "SIGTERM",
  restMs: number,
): Promise<number> {
  crew.claim(victim);
  victim.child.kill(signal);
  const late = setTimeout(() => victim.child.kill("SIGKILL"), END_MS);
  const { at, code } = await victim.child.ended;
  clearTimeout(late);
  if (signal === "SIGTERM" && code !== 0)
    crew.troubles.push(`${victim.name} (pid ${victim.pid}) drained with exit code ${code}`);
  await sleep(restMs);
  await crew.start(victim.name);
  return at;
}
