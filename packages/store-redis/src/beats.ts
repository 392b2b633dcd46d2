import { type ProgressRecord, readProgress } from "@jobbers/core";
import type { Redis } from "ioredis";
import type { Keys } from "./keys.js";
import { RS } from "./text.js";

/** The lease of a running step: its session, and its member of `held:<session>`, `run|address|fence`. */
export interface HeldStep {
  readonly session: string;
  readonly member: string;
}

/** What the attempts of some running steps said last, in order: one round trip, whatever their number. */
export async function readBeats(
  redis: Redis,
  keys: Keys,
  held: readonly HeldStep[],
): Promise<(ProgressRecord | undefined)[]> {
  if (held.length === 0) return [];
  const bySession = new Map<string, string[]>();
  for (const { session, member } of held) {
    const fields = bySession.get(session) ?? [];
    bySession.set(session, fields);
    // A single is held under its run alone.
    fields.push(member, member.slice(0, member.indexOf("|")));
  }
  const pipeline = redis.pipeline();
  for (const [session, fields] of bySession) pipeline.hmget(keys.beats(session), ...fields);
  const replies = ((await pipeline.exec()) ?? []).map(([error, reply]) => {
    if (error) throw error;
    return reply as (string | null)[];
  });
  const found = new Map<string, ProgressRecord>();
  [...bySession.values()].forEach((fields, i) => {
    for (let at = 0; at < fields.length; at += 2) {
      const text = replies[i]?.[at] ?? (fields[at]?.endsWith("|1") ? replies[i]?.[at + 1] : null);
      if (text) found.set(fields[at] as string, readBeat(text));
    }
  });
  return held.map(({ member }) => found.get(member));
}

/** A field of scripts/shared/vitals.lua. */
function readBeat(text: string): ProgressRecord {
  const [times = "", at = "", rest = ""] = text.split(RS);
  const [heardAtMs, sinceMs] = times.split(",").map(Number);
  const said = { rest, ...(at !== "" && { at: JSON.parse(at) as string }) };
  return readProgress(said, { sinceMs: sinceMs as number, heardAtMs: heardAtMs as number });
}
