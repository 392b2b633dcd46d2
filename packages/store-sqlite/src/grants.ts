import { type Grant, valueKey } from "@jobbers/core";
import { needsOf, priorityOf } from "./ready.js";
import type { Step } from "./records.js";
import { isSettledState } from "./settle.js";
import type { Unit } from "./unit.js";
import { getValue } from "./values.js";

/** A value larger than this is left for the worker to read. In characters, which is near enough. */
const VALUE_CHARS = 64 * 1024;

/** What the values of one reply may take together. */
const REPLY_CHARS = 1024 * 1024;

/** Makes what a session is told of the steps that it was given. */
export function grantsOf(unit: Unit, steps: readonly Step[]): Grant[] {
  let room = REPLY_CHARS;
  return steps.map((step) => {
    const values: Record<string, string | null> = Object.create(null);
    for (const key of step.phase === "advance" ? [] : step.spec.reads) {
      if (room <= 0) break;
      const text = getValue(unit.sql, step.run, key);
      const chars = text?.length ?? 0;
      if (chars > VALUE_CHARS || chars > room) continue;
      values[key] = text;
      room -= chars;
    }
    return grantOf(step, values);
  });
}

function grantOf(step: Step, values: Grant["values"]): Grant {
  const { run, address, fence, phase, tries, lost, cursor, state, spec } = step;
  const last = spec.reads.at(-1);
  return {
    lease: { run: run.id, address, fence },
    phase,
    needs: needsOf(step),
    plan: run.plan,
    tries,
    lost,
    priority: priorityOf(step),
    traceparent: run.traceparent ?? undefined,
    tags: run.tags === "[]" ? [] : (JSON.parse(run.tags) as string[]),
    values,
    ...(last?.endsWith(":edited") && last === valueKey.edited(address) && { edited: true }),
    ...(spec.laid !== undefined && { laid: spec.laid }),
    cursor,
    outcome: phase === "advance" && isSettledState(state) ? state : undefined,
  };
}
