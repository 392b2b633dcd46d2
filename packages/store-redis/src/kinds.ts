import { hash } from "node:crypto";
import type { Submission } from "@jobbers/core";
import { GS, KIND_CHARS, packHash, packText, US } from "./text.js";

export const ULID_CHARS = 26;

/**
 * Values up to so many bytes stand in the run's hash. Of a single task's run the hash stays compact only as long as each of its fields
 * is at most 64 bytes; a dag's is large anyway.
 */
const INLINE = { single: 64, other: 1_024 } as const;

/** What submissions of one workflow have in common that are made in one way. */
type Common = Pick<
  Submission,
  "plan" | "entries" | "name" | "kind" | "failure" | "priority" | "members" | "onFailure"
>;

/** True for submissions that differ only in what each run has of its own. */
export function haveCommon(one: Common, other: Common): boolean {
  return (
    one.plan === other.plan &&
    one.entries === other.entries &&
    one.name === other.name &&
    one.kind === other.kind &&
    one.failure === other.failure &&
    one.priority === other.priority &&
    one.members === other.members &&
    one.onFailure === other.onFailure
  );
}

/** What each run has of its own: 2 where it says its limits, 1 where it has a traceparent or tags. */
export function extrasOf({ tags, traceparent, limits }: Submission): 0 | 1 | 2 {
  if (limits !== undefined) return 2;
  return traceparent !== undefined || (tags !== undefined && tags.length > 0) ? 1 : 0;
}

/** A kind as scripts/shared/kinds.lua has it, with its plan. */
interface Kind {
  readonly name: string;
  readonly plan: string;
  readonly text: string;
}

interface KnownKind {
  readonly of: Common;
  readonly isSingle: boolean;
  readonly extras: 0 | 1 | 2;
  readonly kind: Kind;
}

/** The kind that was last seen of a workflow, whose submissions share their entries: to make it costs more than the rest of what is sent. */
const lastKinds = new WeakMap<Submission["entries"], KnownKind>();

/** The kind of a submission that may be packed. */
export function kindOf(each: Submission): Kind {
  const single = isSingle(each);
  const extras = extrasOf(each);
  const last = lastKinds.get(each.entries);
  if (last?.isSingle === single && last.extras === extras && haveCommon(last.of, each)) return last.kind;
  const kind = makeKind(each);
  const { plan, entries, name, failure, priority, members, onFailure } = each;
  const of = { plan, entries, name, kind: each.kind, failure, priority, members, onFailure };
  lastKinds.set(entries, { of, isSingle: single, extras, kind });
  return kind;
}

function makeKind(each: Submission): Kind {
  const plan = packHash(each.plan);
  const text = [
    plan,
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
  return { name: nameOf(text), plan, text };
}

/** The address of a single's step, or those of all steps that a run begins with, each behind a GS. */
function entryOf(each: Submission): string {
  const addresses = each.entries.items.map(({ address }) => packText(address));
  return isSingle(each) ? (addresses[0] as string) : addresses.map((address) => GS + address).join("");
}

/** A run of one step, which scripts/shared/singles.lua handles. */
export function isSingle({ id, members, entries }: Submission): boolean {
  return members === 1 && entries.items.length === 1 && id.length === ULID_CHARS;
}

/** What stands for a kind in each of its runs. Should two ever share a name, the store packs runs of the first only. */
function nameOf(kind: string): string {
  return hash("sha256", kind, "base64url").slice(0, KIND_CHARS);
}

/** Up to how many characters a value of the run stands in its hash. */
export function inlineOf({ members, onFailure }: Submission): number {
  return members === 1 && !onFailure ? INLINE.single : INLINE.other;
}
