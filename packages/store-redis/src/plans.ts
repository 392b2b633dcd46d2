import type { Registration } from "@jobbers/core";
import type { Server } from "./server.js";
import { packText, unpackHash, unpackText } from "./text.js";

export function getPlan({ keys, look }: Server, hash: string): Promise<string | undefined> {
  return look(async (redis) => (await redis.hget(keys.plan(hash), "text")) ?? undefined);
}

export async function findRegistration(server: Server, name: string): Promise<Registration | undefined> {
  const entry = await server.look((redis) => redis.hget(server.keys.names, packText(name)));
  if (entry === null) return undefined;
  const { kind, plan } = entryOf(entry);
  const planText = await getPlan(server, plan);
  return planText === undefined ? undefined : { kind, name, plan, planText };
}

export function listRegistrations({ keys, look }: Server): Promise<Omit<Registration, "planText">[]> {
  return look(async (redis) => {
    const names = await redis.hgetall(keys.names);
    return Object.entries(names)
      .map(([name, entry]) => ({ name: unpackText(name), ...entryOf(entry) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

function entryOf(entry: string): { kind: Registration["kind"]; plan: string } {
  const space = entry.indexOf(" ");
  return { kind: entry.slice(0, space) as Registration["kind"], plan: unpackHash(entry.slice(space + 1)) };
}
