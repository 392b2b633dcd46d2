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
export function birthOf(record: string): string {
  const from = record.indexOf(",") + 1;
  return record.slice(from, record.indexOf(RS, from));
}

/** The state of a packed run. */
export function stateIn(progress: string): "s" | "r" {
  return progress.startsWith("s") || progress.startsWith("d") ? "s" : "r";
}

/** A step of a packed run. Where the address is missing it is each of those that the run begins with; a single has no other. */
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
  return record.slice(1, 1 + KIND_CHARS);
}

function takeApart(record: string, progress: string): Parts {
  const comma = record.indexOf(",");
  const [birth = "", input] = record.slice(comma + 1).split(RS);
  const common = { kind: kindNameOf(record), birth, input };
  const first = record.slice(1 + KIND_CHARS, comma);
  if (progress === "") {
    const step = { address: undefined, state: "r", seq: first } as const;
    return { ...common, state: "r", settled: "0", started: "", ended: "", steps: [step] };
  }
  return { ...common, ...(record.startsWith("q") ? readSingle(progress) : readStanding(progress, first)) };
}

type Progress = Omit<Parts, "kind" | "birth" | "input">;

/** What scripts/shared/singles.lua says of one that was taken. */
function readSingle(progress: string): Progress {
  const [head = "", output = ""] = progress.split(RS);
  const [first = "", worker, started = ""] = head.slice(1 + KIND_CHARS).split(",");
  if (progress.startsWith("w")) {
    const uses = output === "" ? {} : { uses: output };
    const times = [worker, "", started] as const;
    const step = { address: undefined, state: "x", session: first, times, ...uses } as const;
    return { state: "r", settled: "0", started, ended: "", steps: [step] };
  }
  const step = { address: undefined, state: "s", times: [worker, "", started, first], output } as const;
  return { state: "s", settled: "1", started, ended: first, steps: [step] };
}

/** What scripts/shared/packed.lua says of any other; `first` is the number of its first entry. */
function readStanding(progress: string, first: string): Progress {
  const [standing = "", ...done] = progress.split(RS);
  const [head = "", ...live] = standing.split(GS);
  const [settled = "", started = "", ended = ""] = head.slice(1 + KIND_CHARS).split(",");
  // Instants of steps are counted from the run's start.
  const instant = (age: string | undefined) =>
    age && age !== "-" ? String(Number(started) + Number(age)) : age;
  /** The numbers of the first entries of what each that is done made ready. */
  const firsts = [first];
  const steps: PackedStep[] = [];
  for (const each of done) {
    const [address = "", told = "", output = ""] = each.split(US);
    const [worker, ready, began, end, made = ""] = told.split(",");
    firsts.push(made);
    const times = [worker, instant(ready), instant(began), instant(end)];
    steps.push({ address, state: "s", times, output });
  }
  for (const entry of live) {
    const [address = "", second = "", third = "", fourth, fifth] = entry.slice(1).split(",");
    if (entry.startsWith("r")) {
      const [by = 0, nth = 0] = second.split(":").map(Number);
      steps.push({ address, state: "r", seq: String(Number(firsts[by]) + nth), times: ["", instant(third)] });
    } else if (entry.startsWith("x")) {
      steps.push({ address, state: "x", session: second, times: [third, instant(fourth), instant(fifth)] });
    } else if (entry.startsWith("b")) {
      steps.push({ address, state: "b", marks: `${second}.0.0.0` });
    }
  }
  return { state: head.charAt(0), settled, started, ended, steps };
}

/** The steps that a run begins with, whose entries have numbers in a row. */
function atEach(step: PackedStep, addresses: readonly string[]): PackedStep[] {
  const { seq } = step;
  return addresses.map((address, i) => ({ ...step, address, ...(seq && { seq: String(Number(seq) + i) }) }));
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
  const entries = entry.startsWith(GS) ? entry.slice(1).split(GS) : [entry];
  const all = steps.flatMap((step) => (step.address === undefined ? atEach(step, entries) : [step]));
  for (const { address, state, session = "", seq = "", times = [], marks = "", output, uses } of all) {
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
