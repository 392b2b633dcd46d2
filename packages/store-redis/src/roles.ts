import {
  ROLE_HOLDERS_SHOWN,
  ROLE_VERSIONS_KEPT,
  type RoleEdit,
  type RoleHistory,
  type RoleHolder,
  type RoleQueues,
  type RoleRecord,
  type RoleUsage,
  type RoleVersion,
  type Serving,
} from "@jobbers/core";
import type { Script } from "./script.js";
import type { Server } from "./server.js";
import { keyText, packText, RS, US, unpackText } from "./text.js";

/** Roles, as scripts/set-role.lua keeps them. */

/** Answers nothing where there is no such role, and the edit says no queues. */
export const setRoleScript: Script<[name: string, edit: RoleEdit, by: string], RoleRecord | undefined> = {
  name: "set-role",
  encode: (name, { queues, concurrency = "" }, by) => [
    ...[keyText(name), packText(by), queues ? packQueues(queues) : "", concurrency, ROLE_VERSIONS_KEPT],
  ],
  decode: (reply, name) => roleOf(name, readVersions((reply as [string])[0])),
};

export const deleteRoleScript: Script<[name: string, by: string], boolean> = {
  name: "set-role",
  encode: (name, by) => [keyText(name), packText(by), "!", "", ROLE_VERSIONS_KEPT],
  decode: (reply) => (reply as [string, number])[1] === 1,
};

export const serveScript: Script<[session: string, serving: Serving], void> = {
  name: "serve",
  encode: (session, { queues, role }) => [
    keyText(session),
    JSON.stringify({ queues, role }),
    role === undefined ? "" : keyText(role),
  ],
  decode: () => undefined,
};

export function getRole({ keys, look }: Server, name: string): Promise<RoleHistory | undefined> {
  return look(async (redis) => {
    const text = await redis.hget(keys.roles, keyText(name));
    if (text === null) return undefined;
    const versions = readVersions(text);
    const role = roleOf(name, versions);
    return { ...(role && { role }), versions };
  });
}

export function listRoles({ keys, look }: Server): Promise<RoleRecord[]> {
  return look(async (redis) =>
    Object.entries(await redis.hgetall(keys.roles))
      .flatMap(([name, text]) => roleOf(unpackText(name), readVersions(text)) ?? [])
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
}

/** Sessions that end between the commands of this look are seen with what they held, or without. */
export function readRoleUsage({ keys, look }: Server, name: string): Promise<RoleUsage> {
  return look(async (redis) => {
    const [cap, crew] = await Promise.all([
      redis.hget(keys.caps, keyText(name)),
      redis.smembers(keys.crew(keyText(name))),
    ]);
    const pipeline = redis.pipeline();
    for (const id of crew)
      pipeline.scard(keys.held(id)).scard(keys.control(id)).hget(keys.session(id), "worker");
    const replies = ((await pipeline.exec()) ?? []).map(([error, reply]) => {
      if (error) throw error;
      return reply;
    });
    const holders = crew.map((session, i): RoleHolder => {
      const [held, control, worker] = replies.slice(3 * i, 3 * i + 3) as [number, number, string | null];
      return { session, worker: unpackText(worker ?? ""), running: held - control };
    });
    return {
      ...(cap !== null && { concurrency: Number(cap) }),
      running: holders.reduce((sum, { running }) => sum + running, 0),
      holders: holders
        .filter(({ running }) => running > 0)
        .sort((a, b) => b.running - a.running)
        .slice(0, ROLE_HOLDERS_SHOWN),
    };
  });
}

function packQueues(queues: RoleQueues): string {
  return Object.entries(queues)
    .map(([queue, weight]) => `${keyText(queue)}=${weight}`)
    .join("&");
}

function readVersions(text: string): RoleVersion[] {
  return text.split(RS).map((edit): RoleVersion => {
    const [version, atMs, by = "", queues = "", concurrency = ""] = edit.split(US);
    return {
      version: Number(version),
      ...(queues !== "" && { queues: readQueues(queues) }),
      ...(concurrency !== "" && { concurrency: Number(concurrency) }),
      by: unpackText(by),
      atMs: Number(atMs),
    };
  });
}

function readQueues(text: string): RoleQueues {
  return Object.fromEntries(
    text.split("&").map((each) => {
      const [queue = "", weight] = each.split("=");
      return [unpackText(queue), Number(weight)];
    }),
  );
}

function roleOf(name: string, [newest]: readonly RoleVersion[]): RoleRecord | undefined {
  if (!newest?.queues) return undefined;
  const { queues, concurrency, version, by, atMs } = newest;
  return { name, queues, ...(concurrency && { concurrency }), version, editedBy: by, editedAtMs: atMs };
}
