import type {
  Lease,
  Renewal,
  Serving,
  Session,
  SessionOpening,
  Vitals,
  WorkerQuery,
  WorkerRecord,
  WorkerStart,
} from "@jobbers/core";
import { packTaskLimits } from "./limits.js";
import { readPacked } from "./packed.js";
import type { Argument, Script } from "./script.js";
import type { Server } from "./server.js";
import { keyText, longKeyText, packHash, packText, RS, US, unpackText } from "./text.js";
import { packVitals } from "./vitals.js";

/** How many leases one script gives back. */
export const RETURN_LIMIT = 500;

/** The most leases that `listHeld` answers. */
const HELD_LIMIT = 10_000;

/** The most sessions that `listWorkers` answers. */
const LISTED_LIMIT = 10_000;

/** About how many of them one script reads. */
const LISTED_PAGE = 100;

/** The id is the caller's, so that opening may be repeated. */
export const openSessionScript: Script<[id: string, opening: SessionOpening, eventsKept: number], Session> = {
  name: "open-session",
  encode(id, opening, eventsKept) {
    const { worker, host, pid, birth, leaseMs, serves, queues, role, registers } = opening;
    const args: Argument[] = [
      eventsKept,
      id,
      packText(worker),
      Number.isFinite(leaseMs) ? leaseMs : "inf",
      `\n${serves.map(keyText).join("\n")}\n`,
      JSON.stringify({ worker, host, pid, birth, serves, queues, role }),
      (opening.limits ?? []).map(packTaskLimits).join(RS),
      setsOf(host, [worker]).join(US),
      role === undefined ? "" : keyText(role),
    ];
    for (const { kind, name, plan, planText, ...about } of registers) {
      args.push(packText(name), kind, packHash(plan), planText, JSON.stringify(about));
    }
    return args;
  },
  decode: (reply, id) => ({ id, openedAtMs: Number(reply) }),
};

type RenewalReply = [status: "alive" | "lost", held?: number, mail?: string[], stale?: number[]];

export const renewScript: Script<[session: string, vitals: Vitals | undefined, eventsKept: number], Renewal> =
  {
    name: "renew",
    encode: (session, vitals, eventsKept) => [eventsKept, keyText(session), ...packVitals(vitals)],
    decode(reply, _session, vitals) {
      const [status, held = 0, mail = [], places = []] = reply as RenewalReply;
      const stale = places.flatMap((place) => vitals?.bulletin?.beats[place]?.lease ?? []);
      return {
        status,
        held,
        mail: mail.map((run) => ({ type: "cancel", run })),
        ...(stale.length > 0 && { stale }),
      };
    },
  };

export const announceScript: Script<
  [session: string, start: Omit<WorkerStart, "session">, eventsKept: number],
  void
> = {
  name: "announce",
  encode: (session, start, eventsKept) => [
    ...[eventsKept, keyText(session), JSON.stringify({ session, ...start })],
  ],
  decode: () => undefined,
};

export const releaseScript: Script<[leases: readonly Lease[], eventsKept: number], void> = {
  name: "release",
  encode: (leases, eventsKept) => [
    eventsKept,
    ...leases.flatMap(({ run, address, fence }) => [run, packText(address), fence]),
  ],
  decode: () => undefined,
};

/** Answers true when there is more to give back. */
export const closeSessionScript: Script<[session: string, eventsKept: number], boolean> = {
  name: "close-session",
  encode: (session, eventsKept) => [eventsKept, keyText(session), RETURN_LIMIT],
  decode: (reply) => reply === 1,
};

export function listHeld({ keys, look }: Server, session: string): Promise<Lease[]> {
  return look(async (redis) => {
    const held = (await redis.smembers(keys.held(session))).slice(0, HELD_LIMIT);
    // Of a single only the run is told: see scripts/shared/singles.lua.
    const singles = held.filter((member) => !member.includes("|"));
    const records = await readPacked(redis, keys, singles);
    const others = held.flatMap((member): Lease[] => {
      const [, run = "", address = "", fence] = /^([^|]*)\|(.*)\|(\d+)$/.exec(member) ?? [];
      return fence === undefined ? [] : [{ run, address: unpackText(address), fence: Number(fence) }];
    });
    const ones = singles.flatMap((run, i): Lease[] => {
      const field = [...(records[i]?.keys() ?? [])].find((name) => name.startsWith("@"));
      return field === undefined ? [] : [{ run, address: unpackText(field.slice(1)), fence: 1 }];
    });
    return [...others, ...ones];
  });
}

type About = Pick<WorkerRecord, "worker" | "host" | "pid" | "birth" | "queues" | "role" | "serves">;

type ListedWorker = [
  ...[session: string, expires: string, about: string, opened: string, lease: string, held: number],
  ...[
    lag: string | null,
    heard: string | null,
    slots: string | null,
    running: string | null,
    waiting: string | null,
  ],
  serving: string | null,
];

interface WorkerPage {
  readonly next: string;
  readonly workers: WorkerRecord[];
}

const listWorkersScript: Script<[which: string, cursor: string], WorkerPage> = {
  name: "list-workers",
  encode: (which, cursor) => [which, cursor, LISTED_PAGE],
  decode(reply) {
    const [next, listed] = reply as [string, ListedWorker[]];
    const workers = listed.map(
      ([
        session,
        expires,
        about,
        opened,
        lease,
        held,
        lag,
        heard,
        slots,
        running,
        waiting,
        serving,
      ]): WorkerRecord => ({
        session,
        ...(JSON.parse(about) as About),
        ...(serving !== null && (JSON.parse(serving) as Serving)),
        openedAtMs: Number(opened),
        expiresAtMs: numberOf(expires),
        leaseMs: numberOf(lease),
        held,
        ...(lag !== null && { lagMs: Number(lag) }),
        ...(heard !== null && loadOf(Number(heard), Number(slots), Number(running), waiting)),
      }),
    );
    return { next, workers };
  },
};

/** The sets that list the sessions of a host and of workers' names. */
function setsOf(host: string, workers: readonly string[]): string[] {
  return [`host:${longKeyText(host)}`, ...workers.map((worker) => `worker:${longKeyText(worker)}`)];
}

/** Who opens or ends a session meanwhile may be among them or not; all others are, and each once. */
export async function listWorkers({ run }: Server, query?: WorkerQuery): Promise<WorkerRecord[]> {
  const found = new Map<string, WorkerRecord>();
  const readAll = async (which: string) => {
    for (let cursor = "0"; found.size < LISTED_LIMIT; ) {
      const { next, workers } = await run(listWorkersScript, which, cursor);
      for (const worker of workers) found.set(worker.session, worker);
      cursor = next;
      if (cursor === "0") return;
    }
  };
  await Promise.all((query ? setsOf(query.host, query.workers) : ["sessions"]).map(readAll));
  return [...found.values()].sort((a, b) => a.openedAtMs - b.openedAtMs).slice(0, LISTED_LIMIT);
}

function numberOf(text: string): number {
  return text === "inf" ? Number.POSITIVE_INFINITY : Number(text);
}

function loadOf(heardAtMs: number, slots: number, running: number, told: string | null) {
  const waiting = told ? { waiting: Number(told) } : {};
  return { heardAtMs, slots, running, ...waiting, free: Math.max(0, slots - running) };
}
