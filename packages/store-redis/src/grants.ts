import type { Grant } from "@jobbers/core";
import { phaseOf, stateOf } from "./letters.js";
import { GS, US, unpackHash, unpackText } from "./text.js";

const NO_TAGS: readonly string[] = [];

/** Reads the grants of a reply: heads, each followed by the values that its step reads. */
export function readGrants(parts: readonly unknown[]): Grant[] {
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
