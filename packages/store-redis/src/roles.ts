import {
  ROLE_VERSIONS_KEPT,
  type RoleHistory,
  type RoleQueues,
  type RoleRecord,
  type RoleVersion,
  type Serving,
} from "@jobbers/core";
import type { Script } from "./script.js";
import type { Server } from "./server.js";
import { keyText, packText, RS, US, unpackText } from "./text.js";

/** Roles, as scripts/set-role.lua keeps them. */

export const setRoleScript: Script<[name: string, queues: RoleQueues, by: string], RoleRecord> = {
  name: "set-role",
  encode: (name, queues, by) => [keyText(name), packText(by), packQueues(queues), ROLE_VERSIONS_KEPT],
  decode: (reply, name) => roleOf(name, readVersions((reply as [string])[0])) as RoleRecord,
};

export const deleteRoleScript: Script<[name: string, by: string], boolean> = {
  name: "set-role",
  encode: (name, by) => [keyText(name), packText(by), "", ROLE_VERSIONS_KEPT],
  decode: (reply) => (reply as [string, number])[1] === 1,
};

export const serveScript: Script<[session: string, serving: Serving], void> = {
  name: "serve",
  encode: (session, { queues, role }) => [keyText(session), JSON.stringify({ queues, role })],
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

function packQueues(queues: RoleQueues): string {
  return Object.entries(queues)
    .map(([queue, weight]) => `${keyText(queue)}=${weight}`)
    .join("&");
}

function readVersions(text: string): RoleVersion[] {
  return text.split(RS).map((edit): RoleVersion => {
    const [version, atMs, by = "", queues = ""] = edit.split(US);
    return {
      version: Number(version),
      ...(queues !== "" && { queues: readQueues(queues) }),
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
  const { queues, version, by, atMs } = newest;
  return { name, queues, version, editedBy: by, editedAtMs: atMs };
}
