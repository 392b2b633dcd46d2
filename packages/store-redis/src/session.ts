import type { Lease, Renewal, Session, SessionOpening, WorkerRecord } from "@jobbers/core";
import type { Argument, Script } from "./script.js";
import type { Server } from "./server.js";
import { keyText, packHash, packText, unpackText } from "./text.js";

/** How many leases one script gives back. */
export const RETURN_LIMIT = 500;

/** The most leases that `listHeld` answers. */
const HELD_LIMIT = 10_000;

/** The id is the caller's, so that opening may be repeated. */
export const openSessionScript: Script<[id: string, opening: SessionOpening, eventsKept: number], Session> = {
  name: "open-session",
  encode(id, opening, eventsKept) {
    const { worker, host, pid, leaseMs, serves, queues, registers } = opening;
    const args: Argument[] = [
      eventsKept,
      id,
      // The records of singles have a semicolon behind it.
      packText(worker).replaceAll(";", "%3B"),
      Number.isFinite(leaseMs) ? leaseMs : "inf",
      `\n${serves.map(keyText).join("\n")}\n`,
      JSON.stringify({ worker, host, pid, serves, queues }),
    ];
    for (const { kind, name, plan, planText } of registers) {
      args.push(packText(name), kind, packHash(plan), planText);
    }
    return args;
  },
  decode: (reply, id) => ({ id, openedAtMs: Number(reply) }),
};

export const renewScript: Script<[session: string], Renewal> = {
  name: "renew",
  encode: (session) => [keyText(session)],
  decode(reply) {
    const [status, held = 0, mail = []] = reply as ["alive" | "lost", number?, string[]?];
    return { status, held, mail: mail.map((run) => ({ type: "cancel", run })) };
  },
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
    const held = await redis.hgetall(keys.held(session));
    return Object.entries(held)
      .slice(0, HELD_LIMIT)
      .map(([field, value]) => {
        const bar = field.indexOf("|");
        // Of a single, the address stands under the run: see scripts/shared/singles.lua.
        if (bar === -1) return { run: field, address: unpackText(value), fence: 1 };
        return { run: field.slice(0, bar), address: unpackText(field.slice(bar + 1)), fence: Number(value) };
      });
  });
}

type About = Pick<WorkerRecord, "worker" | "host" | "pid" | "queues" | "serves">;

export function listWorkers({ keys, look }: Server): Promise<WorkerRecord[]> {
  return look(async (redis) => {
    const found = await redis.zrange(keys.sessions, "0", "-1", "WITHSCORES");
    const ids = found.filter((_, i) => i % 2 === 0);
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hmget(keys.session(id), "about", "opened", "state").hlen(keys.held(id));
    const replies = (await pipeline.exec()) ?? [];
    return ids
      .flatMap((session, i): WorkerRecord[] => {
        const [about, opened, state] = (replies[2 * i]?.[1] ?? []) as (string | null)[];
        if (!about || state !== "open") return [];
        const expires = found[2 * i + 1] as string;
        return [
          {
            session,
            ...(JSON.parse(about) as About),
            openedAtMs: Number(opened),
            expiresAtMs: expires === "inf" ? Number.POSITIVE_INFINITY : Number(expires),
            held: Number(replies[2 * i + 1]?.[1] ?? 0),
          },
        ];
      })
      .sort((a, b) => a.openedAtMs - b.openedAtMs);
  });
}
