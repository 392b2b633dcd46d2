import { isSettled, type StepAddress, type StepReason, type StepRecord, valueKey } from "@jobbers/core";
import type { HeldStep } from "./beats.js";
import { kindOf, phaseOf, stateOf } from "./letters.js";
import type { RunHead } from "./runs.js";
import { withoutTemplate } from "./template.js";
import { GS, packText, US, unpackText } from "./text.js";

/** A step as scripts/shared/steps.lua writes it. */
export interface ReadStep {
  readonly record: StepRecord;
  /** True where an error of it may be kept. */
  readonly mayHaveError: boolean;
  /** Its lease, where its attempt may have told of its progress. */
  readonly held: HeldStep | undefined;
  /** What its line is made of, and what it keeps of its limits; texts as they are kept. */
  readonly line: StepLine;
}

interface StepLine {
  readonly queue: string;
  readonly needs: string;
  readonly priority: number | undefined;
  readonly uses: string | undefined;
}

/** True for an address inside a map: one of many under its plan name. */
export function isMapped(address: StepAddress): boolean {
  return /\[\d/.test(address);
}

/** What a step keeps of its limits stands behind all else. */
function withoutUses(text: string): string {
  const end = text.indexOf(US);
  return end === -1 ? text : text.slice(0, end);
}

/** `text` is what changes in it, `body` that of its body where it has one. */
export function readStep(
  run: string,
  head: RunHead,
  address: StepAddress,
  text: string,
  spec: string,
  body: string | null | undefined,
): ReadStep {
  const own = withoutTemplate(text);
  const parts = withoutUses(own).split(",");
  const [first = "", fence, tries, lost, holder, , ready, started, ended, due, , , , worker] = parts;
  const [name = "", kind = "", , , , , needs = "", queues = "", priority, , , , reads = ""] = spec.split(US);
  const [queue = ""] = queues.split(GS);
  const edited = packText(valueKey.edited(address));
  const at = (offset: string | undefined) => (offset ? head.createdMs + Number(offset) : undefined);
  const kept = stateOf(first.charAt(0));
  // What a run's end left unfinished reads as cancelled: to rewrite it all would cost too much.
  const state = head.isEnded && !isSettled(kept) ? "cancelled" : kept;
  const [count, members, settled] = body?.split(",") ?? [];
  const isTask = kindOf(kind) === "task";
  const record: StepRecord = {
    run,
    address,
    name: name === "" ? address : unpackText(name),
    kind: kindOf(kind),
    state,
    reason: state === kept ? ((first.slice(2) || undefined) as StepReason | undefined) : "cancelled",
    phase: phaseOf(first.charAt(1)),
    ...((reads === edited || reads.endsWith(GS + edited)) && { edited: true }),
    queue: unpackText(queue),
    ...(!ready && started && { inlined: true }),
    fence: Number(fence),
    tries: Number(tries),
    lost: Number(lost),
    worker: worker ? unpackText(worker) : undefined,
    ...(holder && state === kept && { session: holder }),
    readyAtMs: at(ready),
    startedAtMs: at(started),
    endedAtMs: at(ended),
    dueAtMs: at(due),
    error: undefined,
    members: isTask || members === undefined ? undefined : Number(members),
    settled: isTask || settled === undefined ? undefined : Number(settled),
    count: count ? Number(count) : undefined,
  };
  const member = `${run}|${packText(address)}|${fence}`;
  return {
    record,
    line: {
      queue,
      needs: needs === "=" ? packText(address) : needs,
      priority: priority ? Number(priority) : undefined,
      uses: own.split(US)[1],
    },
    mayHaveError: record.tries > 0 || record.lost > 0 || record.state === "failed",
    held: holder && record.state === "running" ? { session: holder, member } : undefined,
  };
}
