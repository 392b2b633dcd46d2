import type { Registration, RegistrationHead, RegistrationRecord, VersionRecord } from "@jobbers/core";
import type { Server } from "./server.js";
import { packText, unpackHash, unpackText } from "./text.js";

export async function findRegistration(
  server: Server,
  name: string,
  wanted?: string,
): Promise<RegistrationRecord | undefined> {
  const { keys, look } = server;
  return look(async (redis) => {
    const entry = await redis.hget(keys.names, packText(name));
    if (entry === null) return undefined;
    const newest = headOf(name, entry);
    const isNewest = wanted === undefined || wanted === newest.plan;
    const version = isNewest ? newest : await findVersion(server, name, wanted);
    if (!version) return undefined;
    const { plan, registeredAtMs } = version;
    const [planText, about] = await redis.hmget(keys.plan(plan), "text", "about");
    if (!planText) return undefined;
    const rest = JSON.parse(about ?? "{}") as Partial<Registration>;
    return { kind: newest.kind, name, plan, planText, registeredAtMs, ...rest };
  });
}

export function listRegistrations({ keys, look }: Server): Promise<RegistrationHead[]> {
  return look(async (redis) => {
    const names = await redis.hgetall(keys.names);
    return Object.entries(names)
      .map(([name, entry]) => headOf(unpackText(name), entry))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

export function listVersions(server: Server, name: string): Promise<VersionRecord[]> {
  return server.look(async (redis) => {
    const versions = await readVersions(server, name);
    const pipeline = redis.pipeline();
    for (const { plan } of versions) pipeline.hget(server.keys.plan(plan), "runs");
    const replies = versions.length === 0 ? [] : ((await pipeline.exec()) ?? []);
    return versions.map((version, i) => {
      const [error, runs] = replies[i] ?? [];
      if (error) throw error;
      return { ...version, runs: Number(runs ?? 0) };
    });
  });
}

type Version = Omit<VersionRecord, "runs">;

async function findVersion(server: Server, name: string, wanted: string): Promise<Version | undefined> {
  return (await readVersions(server, name)).find(({ plan }) => plan === wanted);
}

/** The versions of a name as scripts/shared/plans.lua writes them. */
function readVersions({ keys, look }: Server, name: string): Promise<Version[]> {
  return look(async (redis) => {
    const text = (await redis.hget(keys.versions, packText(name))) ?? "";
    return text.split(",").flatMap((version) => {
      const [instant, plan] = version.split(" ");
      return plan === undefined ? [] : [{ plan: unpackHash(plan), registeredAtMs: Number(instant) }];
    });
  });
}

function headOf(name: string, entry: string): RegistrationHead {
  const [kind, instant, plan = ""] = entry.split(" ");
  return {
    kind: kind as Registration["kind"],
    name,
    plan: unpackHash(plan),
    registeredAtMs: Number(instant),
  };
}
