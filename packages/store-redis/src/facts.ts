import type { Redis } from "ioredis";

/** What a server says of itself. */
export interface Facts {
  /** A line of INFO; absent where it is not told. */
  info(name: string): string | undefined;
  /** A setting; absent where it is not told. */
  config(name: string): string | undefined;
}

const settings = ["maxmemory-policy", "appendonly", "appendfsync", "save", "min-replicas-to-write"] as const;

/** Asks all that can be asked; what is refused is merely not known. */
export async function factsOf(redis: Redis): Promise<Facts> {
  const text = String(await redis.info().catch(() => ""));
  const known = new Map<string, string>();
  for (const name of settings) {
    // Asked one by one: a managed server may hide any of them.
    const reply = (await redis.config("GET", name).catch(() => [])) as string[];
    if (reply[1] !== undefined) known.set(name, reply[1]);
  }
  return {
    info: (name) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(text)?.[1] || undefined,
    config: (name) => known.get(name),
  };
}

/** A size in the largest unit that leaves it above one. */
export function bytes(size: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const step = size < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(size) / 10));
  const value = size / 1024 ** step;
  return `${value < 10 && step > 0 ? value.toFixed(1) : Math.round(value)} ${units[step]}`;
}
