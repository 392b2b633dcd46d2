import { createHash } from "node:crypto";
import type { RunState, StepSpec, Submission, SubmitResult } from "@jobbers/core";
import { claimText } from "./claims.js";
import { runStateOf } from "./letters.js";
import { packUses } from "./limits.js";
import type { Argument, Script } from "./script.js";
import { pushSpecs } from "./spec.js";
import { isMapped } from "./step-record.js";
import { GS, isPackable, KIND_CHARS, keyText, packHash, packText, RS, US, unpackText } from "./text.js";

/** The most submissions, and about the most steps, that one script takes. */
const CHUNK = 500;

const ULID_CHARS = 26;

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
    // A batch of one plan need not carry its text a hundred times.
    const textOf = ({ plan, planText = "" }: Submission) => {
      if (planText === "" || sent.has(plan)) return "";
      sent.add(plan);
      return planText;
    };
    for (let at = 0; at < batch.length; ) {
      const first = batch[at] as Submission;
      if (!mayBePacked(first)) {
        args.push(`S${headOf(first)}`, textOf(first), first.input);
        pushSpecs(args, first.entries.items);
        at += 1;
        continue;
      }
      let after = at + 1;
      while (after < batch.length && isLike(first, batch[after] as Submission)) after += 1;
      const { items } = first.entries;
      const kind = kindOf(first);
      const head = [`P${nameOf(kind)}`, packHash(first.plan), items.length, kind].join(RS);
      args.push(head, textOf(first));
      pushSpecs(args, items);
      let runs = "";
      for (; at < after; at++) {
        const each = batch[at] as Submission;
        runs += `${each.id}${US}${bodyOf(each)}${RS}`;
      }
      args.push(runs);
    }
    return args;
  },
  decode(reply, batch) {
    const [words = "", now = ""] = (reply as string).split(US);
    return words.split(",").map((word, i) => resultOf(word, (batch[i] as Submission).id, now));
  },
};

/** True for a run that may begin packed, as scripts/shared/packed.lua says. */
function mayBePacked(each: Submission): boolean {
  const { items, next } = each.entries;
  const isPlain = next === undefined && items.length > 0 && items.length <= 100 && items.every(isPlainEntry);
  return isPlain && isPlainRun(each) && (each.limits === undefined || isSingle(each));
}

function isPlainRun({ delayMs = 0, runAtMs, keepMs, deadlineMs, claim, input }: Submission): boolean {
  const hasOwnTime = runAtMs !== undefined || keepMs !== undefined || deadlineMs !== undefined;
  return delayMs <= 0 && !hasOwnTime && claim === undefined && isPackable(input);
}

/** An address that looks as if it were inside a map is kept where those are. */
function isPlainEntry({
  kind,
  phase,
  owner,
  trigger,
  name,
  address,
  startWithinMs,
  each,
}: StepSpec): boolean {
  const isOwn = owner === "" && name === address && !isMapped(address);
  const isOrdinary = startWithinMs === undefined && !each && trigger !== "one_failed";
  return isOwn && kind === "task" && phase === "run" && isOrdinary;
}

/** True for a submission that differs only in its id and input from another that may be packed. */
function isLike(one: Submission, other: Submission): boolean {
  return (
    one.plan === other.plan &&
    one.entries === other.entries &&
    one.name === other.name &&
    one.kind === other.kind &&
    one.failure === other.failure &&
    one.priority === other.priority &&
    one.members === other.members &&
    one.onFailure === other.onFailure &&
    extrasOf(one) === extrasOf(other) &&
    isSingle(one) === isSingle(other) &&
    isPlainRun(other)
  );
}

/** What each run has of its own: 2 where it says its limits, 1 where it has a traceparent or tags. */
function extrasOf({ tags, traceparent, limits }: Submission): 0 | 1 | 2 {
  if (limits !== undefined) return 2;
  return traceparent !== undefined || (tags !== undefined && tags.length > 0) ? 1 : 0;
}

function kindOf(each: Submission): string {
  return [
    packHash(each.plan),
    each.kind === "task" ? "t" : "d",
    each.failure === "stop" ? "s" : "c",
    each.priority,
    each.members,
    each.onFailure ? 1 : 0,
    inlineOf(each),
    extrasOf(each),
    entryOf(each),
    packText(each.name),
  ].join(US);
}

/** The address of a single's step, or those of all steps that a run begins with, each behind a GS. */
function entryOf(each: Submission): string {
  const addresses = each.entries.items.map(({ address }) => packText(address));
  return isSingle(each) ? (addresses[0] as string) : addresses.map((address) => GS + address).join("");
}

/** A run of one step, which scripts/shared/singles.lua handles. */
function isSingle({ id, members, entries }: Submission): boolean {
  return members === 1 && entries.items.length === 1 && id.length === ULID_CHARS;
}

/** What stands for a kind in each of its runs. Should two ever share a name, the store packs runs of the first only. */
function nameOf(kind: string): string {
  return createHash("sha256").update(kind).digest("base64url").slice(0, KIND_CHARS);
}

function bodyOf(each: Submission): string {
  const said = each.limits === undefined ? "" : `${US}${packUses(each.limits)}`;
  const extras = extrasOf(each) === 0 ? "" : `${US}${traceparentOf(each)}${US}${tagsOf(each)}${said}`;
  return `${shortPrint(each.fingerprint)}${extras}${RS}${each.input}`;
}

function headOf(each: Submission): string {
  const { entries, keepMs, delayMs = 0, runAtMs } = each;
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
    inlineOf(each),
    entries.next ?? "",
    entries.items.length,
    tagsOf(each),
    traceparentOf(each),
    each.needs === undefined ? "" : keyText(each.needs),
    each.deadlineMs === undefined
      ? ""
      : (each.deadlineFrom === "start" ? "+" : "") + Math.max(0, Math.ceil(each.deadlineMs)),
    each.claim === undefined ? "" : claimText(each.name, each.claim),
    each.limits === undefined ? "" : packUses(each.limits),
    packText(each.name),
  ].join(US);
}

function inlineOf({ members, onFailure }: Submission): number {
  return members === 1 && !onFailure ? INLINE.single : INLINE.other;
}

function tagsOf({ tags = [] }: Submission): string {
  return tags.length === 0 ? "" : JSON.stringify(tags);
}

function traceparentOf({ traceparent }: Submission): string {
  return traceparent === undefined ? "" : packText(traceparent);
}

/** 96 bits of a SHA-256 tell the contents of one id apart as well, in a quarter of the room. */
function shortPrint(fingerprint: string): string {
  if (!/^[0-9a-f]{64}$/.test(fingerprint)) return packText(fingerprint);
  return Buffer.from(fingerprint.slice(0, 24), "hex").toString("base64url");
}

function resultOf(word: string, id: string, now: string): SubmitResult {
  const state = (): RunState => runStateOf(word.charAt(1));
  switch (word.charAt(0)) {
    case "c":
      return { status: "created", id, state: state() };
    case "e":
      return { status: "existing", id, state: state() };
    case "h":
      return { status: "existing", id: word.slice(2), state: state() };
    case "k":
      return { status: "key-conflict", id, holder: word.slice(1) };
    case "t":
      return { status: "key-taken", id, holder: word.slice(1) };
    case "f": {
      const [queue = "", max] = word.slice(1).split("=");
      return { status: "queue-full", id, queue: unpackText(queue), max: Number(max) };
    }
    case "d":
      return { status: "queue-draining", id, queue: unpackText(word.slice(1)) };
    case "i":
      return { status: "run-at-invalid", id, nowMs: Number(now) };
    case "x":
      return { status: "conflict", id };
    default:
      return { status: "plan-missing", id };
  }
}
