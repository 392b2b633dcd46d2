import type { Redis } from "ioredis";
import type { Keys } from "./keys.js";
import { GS, KIND_CHARS, RS, US, unpackHash } from "./text.js";

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
  // In this order: what is unpacked in between is missing from the second, and read where it is then.
  const replies =
    (await redis
      .pipeline()
      .hmget(keys.progress, ...ids)
      .hmget(keys.packed, ...ids)
      .exec()) ?? [];
  const [progress = [], records = []] = replies.map(([error, reply]) => {
    if (error) throw error;
    return reply as (string | null)[];
  });
  const parts = records.map((record, i) =>
    record === null ? undefined : takeApart(record, progress[i] ?? ""),
  );
  const names = [...new Set(parts.flatMap((each) => (each ? [each.kind] : [])))];
  const texts = names.length === 0 ? [] : await redis.hmget(keys.kinds, ...names);
  const kinds = new Map(names.map((name, i) => [name, texts[i]]));
  return parts.map((each) => {
    const kind = each && kinds.get(each.kind);
    // A kind that has gone meanwhile had its last run purged.
    return kind ? fieldsOf(each, kind.split(US)) : undefined;
  });
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

/** Where a record says when its run was submitted, as which number, with what tags. */
export function birthOf(record: string, isSingle: boolean): string {
  const from = isSingle ? record.indexOf(",") : afterPart(record, 3);
  return record.slice(from + 1, record.indexOf(RS, from + 1));
}

/** Where the separator behind the n-th part of a record stands. */
function afterPart(record: string, n: number): number {
  let at = -1;
  for (let i = 0; i < n; i++) at = record.indexOf(RS, at + 1);
  return at;
}

/** A step of a packed run. Where the address is missing it is the only one. */
interface PackedStep {
  readonly address: string | undefined;
  readonly state: "r" | "x" | "s" | "b";
  readonly session?: string;
  readonly seq?: string;
  /** Worker, and the instants at which it was ready, started and ended. */
  readonly times?: readonly (string | undefined)[];
  /** How many parents have succeeded. */
  readonly marks?: string;
  readonly output?: string;
  /** The limits that it was taken under. */
  readonly uses?: string;
}

interface Parts {
  readonly state: string;
  readonly settled: string;
  readonly started: string;
  readonly ended: string;
  readonly kind: string;
  readonly birth: string;
  readonly input: string | undefined;
  readonly steps: readonly PackedStep[];
}

/** The name of a run's kind. */
export function kindNameOf(record: string): string {
  if (record.startsWith("q")) return record.slice(1, 1 + KIND_CHARS);
  return record.slice(afterPart(record, 2) + 1, afterPart(record, 3));
}

function takeApart(record: string, progress: string): Parts {
  return record.startsWith("q") ? takeSingleApart(record, progress) : takeDagApart(record);
}

/** Record and progress of scripts/shared/singles.lua. */
function takeSingleApart(record: string, progress: string): Parts {
  const kind = record.slice(1, 1 + KIND_CHARS);
  const comma = record.indexOf(",");
  const [birth = "", input] = record.slice(comma + 1).split(RS);
  const common = { kind, birth, input };
  const [head = "", output = ""] = progress.split(RS);
  const [first = "", worker, started = ""] = head.slice(1 + KIND_CHARS).split(",");
  switch (progress.charAt(0)) {
    case "w": {
      const uses = output === "" ? {} : { uses: output };
      const times = [worker, "", started] as const;
      const step = { address: undefined, state: "x", session: first, times, ...uses } as const;
      return { ...common, state: "r", settled: "0", started, ended: "", steps: [step] };
    }
    case "d": {
      const step = { address: undefined, state: "s", times: [worker, "", started, first], output } as const;
      return { ...common, state: "s", settled: "1", started, ended: first, steps: [step] };
    }
    default: {
      const step = { address: undefined, state: "r", seq: record.slice(1 + KIND_CHARS, comma) } as const;
      return { ...common, state: "r", settled: "0", started: "", ended: "", steps: [step] };
    }
  }
}

/** A record of scripts/shared/packed.lua. */
function takeDagApart(record: string): Parts {
  const [head = "", live = "", kind = "", birth = "", input, ...done] = record.split(RS);
  const [settled = "", started = "", ended = ""] = head.slice(1).split(",");
  const steps: PackedStep[] = [];
  for (const entry of live.split(GS)) {
    const [address = "", second = "", ...times] = entry.slice(1).split(",");
    if (entry.startsWith("r")) steps.push({ address, state: "r", seq: second, times: ["", ...times] });
    else if (entry.startsWith("x")) steps.push({ address, state: "x", session: second, times });
    else if (entry.startsWith("b")) steps.push({ address, state: "b", marks: `${second}.0.0.0` });
  }
  for (const each of done) {
    const [address = "", times = "", output = ""] = each.split(US);
    steps.push({ address, state: "s", times: times.split(","), output });
  }
  return { state: head.charAt(0), settled, started, ended, kind, birth, input, steps };
}

/** The fields that scripts/shared/runs.lua and steps.lua would write. */
function fieldsOf(
  { state, birth, input, steps, ...parts }: Parts,
  kind: readonly string[],
): Map<string, string> {
  const [plan = "", letter, mode, priority, members, onFailure, inline, , entry = "", name = ""] = kind;
  const [origin = "", traceparent, tags, said] = birth.split(US);
  const [created = "", number, fingerprint = ""] = origin.split(",");
  const age = (instant: string | undefined) => (instant ? Number(instant) - Number(created) : "");
  const fields = new Map([
    ["h", [created, letter, number, mode, priority, "", members, inline].join(",")],
    ["p", plan],
    ["n", name],
    ["f", fingerprint],
  ]);
  if (traceparent) fields.set("x", traceparent);
  if (tags) fields.set("g", tags);
  if (input !== undefined) fields.set("=:input", input);
  for (const {
    address = entry,
    state,
    session = "",
    seq = "",
    times = [],
    marks = "",
    output,
    uses,
  } of steps) {
    const [worker = "", ready, started, ended] = times;
    const wasTaken = state === "x" || state === "s" ? 1 : 0;
    const readyAge = state === "b" || ready === "-" ? "" : age(ready || created);
    const what = [`${state}r`, wasTaken, 0, 0, session, seq, readyAge, age(started), age(ended)];
    const kept = uses ?? said;
    fields.set(
      `@${address}`,
      [...what, "", marks, "", "", kept ? `${worker}${US}${kept}` : worker].join(","),
    );
    if (output !== undefined) fields.set(`=${address}`, output);
  }
  const epilogue = onFailure === "1" ? "w" : "n";
  const status = [state, 0, 0, age(parts.started), age(parts.ended), parts.settled, 0, 0];
  const holders = steps.flatMap(({ session }) => (session ? [`${session}:1`] : []));
  return fields.set("s", [...status, epilogue, 0, holders.join(" ")].join(","));
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
