import type { RunState, Submission, SubmitResult } from "@jobbers/core";
import { runStateOf } from "./letters.js";
import type { Argument, Script } from "./script.js";
import { pushSpecs } from "./spec.js";
import { packHash, packText, US } from "./text.js";

/** The most submissions, and about the most steps, that one script takes. */
const CHUNK = 500;

/** About how much text one script is sent. */
const CHUNK_CHARS = 4_000_000;

/**
 * Values up to so many bytes stand in the run's hash. Of a single task's run the hash stays compact only as long as each of its fields
 * is at most 64 bytes; a dag's is large anyway.
 */
const INLINE = { single: 64, other: 1_024 } as const;

/** Cuts a batch into parts that are one script's work each. */
export function chunksOf(batch: readonly Submission[]): Submission[][] {
  const chunks: Submission[][] = [];
  let weight = Number.POSITIVE_INFINITY;
  let chars = 0;
  for (const each of batch) {
    const own = Math.max(1, each.entries.items.length);
    if (weight + own > CHUNK || chars > CHUNK_CHARS) {
      chunks.push([]);
      weight = 0;
      chars = 0;
    }
    weight += own;
    chars += each.input.length + (each.planText?.length ?? 0);
    chunks.at(-1)?.push(each);
  }
  return chunks;
}

export const submitScript: Script<[batch: readonly Submission[], eventsKept: number], SubmitResult[]> = {
  name: "submit",
  encode(batch, eventsKept) {
    const args: Argument[] = [eventsKept];
    const sent = new Set<string>();
    for (const each of batch) {
      // A batch of one plan need not carry its text a hundred times.
      const text = sent.has(each.plan) ? "" : (each.planText ?? "");
      if (text !== "") sent.add(each.plan);
      args.push(headOf(each), text, each.input);
      pushSpecs(args, each.entries.items);
    }
    return args;
  },
  decode: (reply, batch) =>
    (reply as string).split(",").map((word, i) => resultOf(word, (batch[i] as Submission).id)),
};

function headOf(each: Submission): string {
  const { entries, tags = [], keepMs, delayMs = 0, runAtMs } = each;
  return [
    each.id,
    shortPrint(each.fingerprint),
    packHash(each.plan),
    each.kind === "task" ? "t" : "d",
    each.failure === "stop" ? "s" : "c",
    each.priority,
    keepMs === undefined || keepMs === Number.POSITIVE_INFINITY
      ? keepMs === undefined
        ? ""
        : 1e15
      : Math.ceil(keepMs),
    runAtMs === undefined ? Math.max(0, Math.ceil(delayMs)) : "",
    runAtMs === undefined ? "" : Math.max(0, Math.ceil(runAtMs)),
    each.members,
    each.onFailure ? 1 : 0,
    each.members === 1 && !each.onFailure ? INLINE.single : INLINE.other,
    entries.next ?? "",
    entries.items.length,
    tags.length === 0 ? "" : JSON.stringify(tags),
    each.traceparent === undefined ? "" : packText(each.traceparent),
    packText(each.name),
  ].join(US);
}

/** 96 bits of a SHA-256 tell the contents of one id apart as well, in a quarter of the room. */
function shortPrint(fingerprint: string): string {
  if (!/^[0-9a-f]{64}$/.test(fingerprint)) return packText(fingerprint);
  return Buffer.from(fingerprint.slice(0, 24), "hex").toString("base64url");
}

function resultOf(word: string, id: string): SubmitResult {
  const state = (): RunState => runStateOf(word.charAt(1));
  switch (word.charAt(0)) {
    case "c":
      return { status: "created", id, state: state() };
    case "e":
      return { status: "existing", id, state: state() };
    case "x":
      return { status: "conflict", id };
    default:
      return { status: "plan-missing", id };
  }
}
