import type { Redis } from "ioredis";
import type { Keys } from "./keys.js";
import { GS, RS, US, unpackHash } from "./text.js";

/**
 * Packed runs, read: a run that nothing unusual has happened to is one field of the hash `packed`; scripts/shared/packed.lua says how
 * it is written. Here it is taken apart into the fields that it would have as a hash of its own, so that all readers know one form.
 */
export type Fields = ReadonlyMap<string, string>;

/** The fields of each run that is packed; `undefined` where a run is not, and stands in a hash of its own if it is there at all. */
export async function readPacked(
  redis: Redis,
  keys: Keys,
  ids: readonly string[],
): Promise<(Fields | undefined)[]> {
  if (ids.length === 0) return [];
  const records = await redis.hmget(keys.packed, ...ids);
  return records.map((record) => (record === null ? undefined : fieldsOf(record)));
}

/**
 * Some fields of a run, wherever it stands. A run is unpacked once and for good, so who looks among the packed ones first does not
 * miss it.
 */
export async function readFields(
  redis: Redis,
  keys: Keys,
  id: string,
  names: readonly string[],
): Promise<(string | null)[]> {
  const [packed] = await readPacked(redis, keys, [id]);
  if (packed) return names.map((name) => packed.get(name) ?? null);
  return await redis.hmget(keys.run(id), ...names);
}

function fieldsOf(record: string): Map<string, string> {
  const [head = "", live = "", kindText = "", birth = "", input, ...done] = record.split(RS);
  const [plan = "", kind, mode, priority, members, onFailure, inline, , name = ""] = kindText.split(US);
  const [origin = "", traceparent, tags] = birth.split(US);
  const [created = "", number, fingerprint = ""] = origin.split(",");
  const state = head.charAt(0);
  const [settled, started = "", ended = ""] = head.slice(1).split(",");
  const age = (instant: string | undefined) => (instant ? Number(instant) - Number(created) : "");
  const isPurged = state === "S";
  const fields = new Map([
    ["h", [created, kind, number, mode, priority, "", members, inline].join(",")],
    ["p", plan],
    ["n", name],
    ["f", fingerprint],
  ]);
  if (traceparent) fields.set("x", traceparent);
  if (tags) fields.set("g", tags);
  const step = (address: string, what: string, session: string, seq: string, times: readonly string[]) => {
    const [worker = "", ready, begun, over] = times;
    const fence = what === "r" ? 0 : 1;
    const parts = [`${what}r`, fence, 0, 0, session, seq, age(ready || created), age(begun), age(over)];
    fields.set(`@${address}`, [...parts, "", "", "", "", worker].join(","));
  };
  const holders: string[] = [];
  for (const entry of live.split(GS)) {
    const [address = "", second = "", ...rest] = entry.slice(1).split(",");
    if (entry.startsWith("r")) step(address, "r", "", second, ["", ...rest]);
    else if (entry.startsWith("b")) fields.set(`@${address}`, `br,0,0,0,,,,,,,${second}.0.0.0,,,`);
    else if (entry !== "") {
      step(address, "x", second, "", rest);
      holders.push(`${second}:1`);
    }
  }
  for (const each of done) {
    const [address = "", times = "", output = ""] = each.split(US);
    step(address, "s", "", "", times.split(","));
    fields.set(`=${address}`, output);
  }
  if (input !== undefined && !isPurged) fields.set("=:input", input);
  const epilogue = onFailure === "1" ? "w" : "n";
  const status = [state.toLowerCase(), 0, 0, age(started), age(ended), settled, 0, 0, epilogue];
  return fields.set("s", [...status, isPurged ? 1 : 0, holders.join(" ")].join(","));
}

/** The specs that the runs of a plan share, by packed address; what is not there is left out. */
export async function readSharedSpecs(
  redis: Redis,
  keys: Keys,
  packedPlan: string,
  addresses: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (addresses.length === 0) return new Map();
  const texts = await redis.hmget(
    keys.plan(unpackHash(packedPlan)),
    ...addresses.map((address) => `$${address}`),
  );
  return new Map(
    addresses.flatMap((address, i): [string, string][] => {
      const spec = texts[i];
      return spec ? [[address, spec]] : [];
    }),
  );
}
