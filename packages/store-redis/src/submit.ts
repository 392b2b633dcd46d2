import type { RunState, StepSpec, Submission, SubmitResult } from "@jobbers/core";
import { claimText } from "./claims.js";
import { extrasOf, haveCommon, inlineOf, isSingle, kindOf, ULID_CHARS } from "./kinds.js";
import { runStateOf } from "./letters.js";
import { packUses } from "./limits.js";
import type { Argument, Script } from "./script.js";
import { pushSpecs } from "./spec.js";
import { isMapped } from "./step-record.js";
import { FS, isPackable, keyText, packHash, packText, RS, US, unpackText } from "./text.js";

/** The most submissions, and about the most steps, that one script takes. */
const CHUNK = 500;

/** About how much text one script is sent. */
const CHUNK_CHARS = 4_000_000;

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
      const group = groupAt(batch, at);
      const { name, plan, text } = kindOf(first);
      const { items } = first.entries;
      const head = [`P${name}`, plan, items.length, group.order + group.greatest, text].join(RS);
      args.push(head, textOf(first));
      pushSpecs(args, items);
      args.push(group.ids, group.tails);
      at = group.end;
    }
    return args;
  },
  decode(reply, batch) {
    const [words = "", now = ""] = (reply as string).split(US);
    const results: SubmitResult[] = [];
    for (const word of words.split(",")) {
      const times = word.startsWith("cr*") ? Number(word.slice(3)) : 1;
      for (let i = 0; i < times; i++)
        results.push(resultOf(word, (batch[results.length] as Submission).id, now));
    }
    return results;
  },
};

/** Submissions that differ only in id and input, as the script takes them: their ids, and what each has of its own. */
interface Group {
  readonly end: number;
  readonly ids: string;
  readonly tails: string;
  /** `a` where the ids ascend, so that the store may see at one glance that it has none of them; `-` where not all are as long as ULIDs. */
  readonly order: "a" | "u" | "-";
  /** The greatest id. */
  readonly greatest: string;
}

/** What a group has in common with the submission at a place of a batch. Texts are appended to: that is faster than to join a list. */
function groupAt(batch: readonly Submission[], start: number): Group {
  const first = batch[start] as Submission;
  const single = isSingle(first);
  const extras = extrasOf(first);
  let { id: last } = first;
  let ids = last;
  let tails = bodyOf(first, extras);
  let greatest = last;
  let ascends = true;
  let areUlids = last.length === ULID_CHARS;
  let end = start + 1;
  for (; end < batch.length; end++) {
    const each = batch[end] as Submission;
    if (!isLike(first, each) || isSingle(each) !== single || extrasOf(each) !== extras) break;
    const { id } = each;
    ascends &&= id > last;
    areUlids &&= id.length === ULID_CHARS;
    if (id > greatest) greatest = id;
    ids += ` ${id}`;
    tails += bodyOf(each, extras);
    last = id;
  }
  return { end, ids, tails, order: areUlids ? (ascends ? "a" : "u") : "-", greatest };
}

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
  return haveCommon(one, other) && isPlainRun(other);
}

function bodyOf(each: Submission, extras: 0 | 1 | 2): string {
  const fingerprint = packText(each.fingerprint);
  if (extras === 0) return `${fingerprint}${RS}${each.input}${FS}`;
  const said = each.limits === undefined ? "" : `${US}${packUses(each.limits)}`;
  return `${fingerprint}${US}${traceparentOf(each)}${US}${tagsOf(each)}${said}${RS}${each.input}${FS}`;
}

function headOf(each: Submission): string {
  const { entries, keepMs, delayMs = 0, runAtMs } = each;
  return [
    each.id,
    packText(each.fingerprint),
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

function tagsOf({ tags = [] }: Submission): string {
  return tags.length === 0 ? "" : JSON.stringify(tags);
}

function traceparentOf({ traceparent }: Submission): string {
  return traceparent === undefined ? "" : packText(traceparent);
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
