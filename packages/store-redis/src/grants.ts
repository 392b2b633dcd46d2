import type { Grant } from "@jobbers/core";
import { phaseOf, stateOf } from "./letters.js";
import { GS, KIND_CHARS, RS, US, unpackHash, unpackText } from "./text.js";

const NO_TAGS: readonly string[] = [];
const NO_EXTRAS: readonly string[] = [];

/** What the steps of packed runs have in common that are the same step of the same plan. */
interface Head {
  readonly address: string;
  readonly plan: string;
  readonly needs: string;
  readonly priority: number;
  readonly reads: readonly string[];
}

interface SingleHead {
  readonly head: Head;
  /** Whether each record has a traceparent and tags of its own. */
  readonly hasExtras: boolean;
}

/** Where a packed run has no value. */
const ABSENT = "\u001c";

/** The grants of a reply, as exchange.lua tells them. */
export interface PackedGrants {
  /** Ids and records of singles by turns, and what these have in common. */
  readonly singles: readonly string[];
  readonly kinds: string;
  /** Steps of packed runs, joined by US, and what these have in common. */
  readonly packed: string;
  readonly heads: string;
  readonly others: readonly unknown[];
  /** For each that is no single what it is (`p` or `o`), and after how many singles it comes, joined by commas. */
  readonly places: string;
}

/** Reads the grants of a reply, in the order in which they were given. */
export function readGrants({ singles, kinds, packed, heads, others, places }: PackedGrants): Grant[] {
  const grants = readSingles(singles, kinds);
  if (places === "") return grants;
  const lists = {
    p: packed === "" ? [] : readPackedGrants(packed, heads),
    o: others.length === 0 ? [] : readOtherGrants(others),
  };
  const next = { p: 0, o: 0 };
  const all: Grant[] = [];
  let given = 0;
  for (const place of places.split(",")) {
    const letter = place.charAt(0) as "p" | "o";
    for (const before = Number(place.slice(1)); given < before; given++) all.push(grants[given] as Grant);
    all.push(lists[letter][next[letter]++] as Grant);
  }
  for (; given < grants.length; given++) all.push(grants[given] as Grant);
  return all;
}

/**
 * Singles come as their records waited: `q<kind><seq>,<created>,<number>,<fingerprint> [US traceparent US tags] RS input`. Most of a
 * reply are of one kind.
 */
function readSingles(parts: readonly string[], kinds: string): Grant[] {
  const heads = new Map<string, SingleHead>();
  if (kinds !== "") {
    for (const text of kinds.split(RS)) {
      const head = headOf(text.slice(KIND_CHARS + 1));
      heads.set(text.slice(0, KIND_CHARS), { head, hasExtras: text[KIND_CHARS] !== "0" });
    }
  }
  const grants: Grant[] = new Array(parts.length / 2);
  let kind = "";
  let known: SingleHead | undefined;
  for (let i = 0; i < grants.length; i++) {
    const record = parts[2 * i + 1] as string;
    if (known === undefined || !record.startsWith(kind, 1)) {
      kind = record.slice(1, KIND_CHARS + 1);
      known = heads.get(kind) as SingleHead;
    }
    const { head, hasExtras } = known;
    const end = record.indexOf(RS);
    const [, traceparent = "", tags = ""] = hasExtras ? record.slice(0, end).split(US) : NO_EXTRAS;
    const values: Record<string, string | null> = {};
    for (const key of head.reads) values[key] = key === ":input" ? record.slice(end + 1) : null;
    grants[i] = grantedFirst(parts[2 * i] as string, head, traceparent, tags, values);
  }
  return grants;
}

/** Of each step its head, run, traceparent and tags, and a value for each key that it reads. */
function readPackedGrants(packed: string, heads: string): Grant[] {
  const known = heads.split(RS).map(headOf);
  const parts = packed.split(US);
  const grants: Grant[] = [];
  for (let at = 0; at < parts.length; ) {
    const head = known[Number(parts[at])] as Head;
    const values: Record<string, string | null> = {};
    for (let i = 0; i < head.reads.length; i++) {
      const value = parts[at + 4 + i] as string;
      values[head.reads[i] as string] = value === ABSENT ? null : value;
    }
    grants.push(
      grantedFirst(parts[at + 1] as string, head, parts[at + 2] as string, parts[at + 3] as string, values),
    );
    at += 4 + head.reads.length;
  }
  return grants;
}

/** A task's step that was never taken before. */
function grantedFirst(
  run: string,
  { address, plan, needs, priority }: Head,
  traceparent: string,
  tags: string,
  values: Grant["values"],
): Grant {
  return {
    lease: { run, address, fence: 1 },
    phase: "run",
    needs,
    plan,
    tries: 0,
    lost: 0,
    priority,
    traceparent: traceparent === "" ? undefined : unpackText(traceparent),
    tags: tags === "" ? NO_TAGS : (JSON.parse(tags) as string[]),
    values,
    cursor: 0,
    outcome: undefined,
  };
}

/** Heads that were read before: a worker is told the same few again and again. */
const knownHeads = new Map<string, Head>();
const MAX_HEADS = 1_000;

function headOf(text: string): Head {
  const known = knownHeads.get(text);
  if (known) return known;
  const head = readHead(text);
  if (knownHeads.size >= MAX_HEADS) knownHeads.clear();
  knownHeads.set(text, head);
  return head;
}

function readHead(text: string): Head {
  const [plan, address, needs, priority, reads] = text.split(US) as [string, string, string, string, string];
  return {
    address: unpackText(address),
    plan: unpackHash(plan),
    needs: unpackText(needs),
    priority: Number(priority),
    reads: reads === "" ? [] : reads.split(GS).map(unpackText),
  };
}

/** Reads heads, each followed by the values that its step reads. */
function readOtherGrants(parts: readonly unknown[]): Grant[] {
  const grants: Grant[] = [];
  const plans = new Map<string, string>();
  /** The steps of one reply are of few plans, so each hash is unpacked once. */
  const planOf = (packed: string) => {
    const hash = plans.get(packed) ?? unpackHash(packed);
    plans.set(packed, hash);
    return hash;
  };
  for (let at = 0; at < parts.length; ) {
    const head = (parts[at++] as string).split(US);
    const isLike = head[0] === "";
    const reads = head[isLike ? 2 : 13] as string;
    const edited = reads.endsWith(":edited") ? `${head[1]}:edited` : undefined;
    const isEdited = edited !== undefined && (reads === edited || reads.endsWith(GS + edited));
    const values: Record<string, string | null> = Object.create(null);
    if (reads !== "") {
      for (const key of reads.split(GS)) {
        const value = parts[at++] as string | null | 0;
        // A number stands for a value that is too large to go along.
        if (value !== 0) values[unpackText(key)] = value;
      }
    }
    if (isLike) {
      const other = grants[Number(head[3])] as Grant;
      grants.push({ ...other, lease: { ...other.lease, address: unpackText(head[1] as string) }, values });
      continue;
    }
    const grant = grantOf(head, planOf(head[5] as string), values);
    const laid = head[14];
    const more = laid === undefined ? grant : { ...grant, laid: unpackText(laid) };
    grants.push(isEdited ? { ...more, edited: true } : more);
  }
  return grants;
}

function grantOf(head: readonly string[], plan: string, values: Grant["values"]): Grant {
  const [run, address, fence, phase, needs, , tries, lost, priority, cursor, outcome, traceparent, tags] =
    head as [
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
      string,
    ];
  return {
    lease: { run, address: unpackText(address), fence: Number(fence) },
    phase: phaseOf(phase),
    needs: unpackText(needs),
    plan,
    tries: Number(tries),
    lost: Number(lost),
    priority: Number(priority),
    traceparent: traceparent === "" ? undefined : unpackText(traceparent),
    tags: tags === "" ? NO_TAGS : (JSON.parse(tags) as string[]),
    values,
    cursor: Number(cursor),
    outcome: outcome === "" ? undefined : stateOf(outcome),
  };
}
