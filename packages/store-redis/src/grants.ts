import type { Grant } from "@jobbers/core";
import { phaseOf, stateOf } from "./letters.js";
import { GS, RS, US, unpackHash, unpackText } from "./text.js";

const NO_TAGS: readonly string[] = [];

/** What the steps of packed runs have in common that are the same step of the same plan. */
interface Head {
  readonly address: string;
  readonly plan: string;
  readonly needs: string;
  readonly priority: number;
  readonly reads: readonly string[];
}

/** Where a packed run has no value. */
const ABSENT = "\u001c";

/**
 * Reads the grants of a reply: those of packed runs, which are one text, and the others; `places` has for each of the others after how
 * many of the former it comes.
 */
export function readGrants(
  packed: string,
  heads: string,
  others: readonly unknown[],
  places: readonly number[],
): Grant[] {
  const grants = readPackedGrants(packed, heads);
  if (others.length === 0) return grants;
  const all: Grant[] = [];
  readOtherGrants(others).forEach((grant, i) => {
    while (all.length - i < (places[i] as number)) all.push(grants[all.length - i] as Grant);
    all.push(grant);
  });
  return [...all, ...grants.slice(all.length - places.length)];
}

function readPackedGrants(packed: string, heads: string): Grant[] {
  if (packed === "") return [];
  const known = heads.split(RS).map(headOf);
  return packed.split(RS).map((text) => {
    const parts = text.split(US);
    const { address, plan, needs, priority, reads } = known[Number(parts[0])] as Head;
    const [, run, traceparent, tags] = parts as [string, string, string, string];
    const values: Record<string, string | null> = Object.create(null);
    for (let i = 0; i < reads.length; i++) {
      const value = parts[4 + i] as string;
      values[reads[i] as string] = value === ABSENT ? null : value;
    }
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
  });
}

function headOf(text: string): Head {
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
    const reads = head[13] as string;
    const values: Record<string, string | null> = Object.create(null);
    if (reads !== "") {
      for (const key of reads.split(GS)) {
        const value = parts[at++] as string | null | 0;
        // A number stands for a value that is too large to go along.
        if (value !== 0) values[unpackText(key)] = value;
      }
    }
    grants.push(grantOf(head, planOf(head[5] as string), values));
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
