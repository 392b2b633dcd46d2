import { JobbersError } from "../errors/errors.js";
import {
  type EditedPolicy,
  QUEUE_MAX_LIMIT,
  type QueuePolicy,
  type QueuePolicyEdit,
  type QueueSettings,
} from "../store/queues.js";
import { quoted } from "../values/quoted.js";

/** What one part of a policy may be. */
interface Form {
  readonly takes: string;
  /** What an edit may say beside that and `default`. */
  readonly words?: readonly string[];
  fits(value: unknown): boolean;
}

const forms: Readonly<Record<keyof QueuePolicy, Form>> = {
  max: {
    takes: `a whole number from 1 to ${QUEUE_MAX_LIMIT}`,
    words: ["none"],
    fits: (value) =>
      Number.isInteger(value) && (value as number) >= 1 && (value as number) <= QUEUE_MAX_LIMIT,
  },
  priority: {
    takes: '"strict" or "weighted"',
    fits: (value) => value === "strict" || value === "weighted",
  },
};

/** The parts of a policy, in the order of their names. */
export const QUEUE_POLICY = Object.keys(forms).sort() as readonly (keyof QueuePolicy)[];

/**
 * Answers what code says of a queue's policy, without what it leaves out.
 *
 * @throws JobbersError `flag-invalid`, naming queue and field
 */
export function checkPolicy(name: string, policy: QueuePolicy): QueuePolicy {
  return partsOf(policy, (part, value) => check(name, part, value, []));
}

/** The same for an edit. */
export function checkPolicyEdit(name: string, edit: QueuePolicyEdit): QueuePolicyEdit {
  return partsOf(edit, (part, value) => check(name, part, value, [...(forms[part].words ?? []), "default"]));
}

/** Of what is kept of a policy, the parts that make sense, and those of which nothing is known here; and how many others there are. */
export function soundPolicy(
  kept: unknown,
  isEdit: boolean,
): { readonly policy: QueuePolicy | EditedPolicy; readonly broken: number } {
  if (typeof kept !== "object" || kept === null || Array.isArray(kept)) return { policy: {}, broken: 1 };
  const all = Object.entries(kept);
  const sound = all.filter(([part, value]) => {
    const form = Object.hasOwn(forms, part) ? forms[part as keyof QueuePolicy] : undefined;
    return !form || form.fits(value) || (isEdit && form.words?.includes(value as string));
  });
  return { policy: Object.fromEntries(sound), broken: all.length - sound.length };
}

/** What edits say once one more has. */
export function withEdit(edited: EditedPolicy, edit: QueuePolicyEdit): EditedPolicy {
  const all = { ...edited, ...partsOf(edit, () => {}) };
  return Object.fromEntries(
    Object.entries(all)
      .filter(([, value]) => value !== "default")
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** A queue's settings, with what of its policy is in force. */
export function queueSettings(
  settings: Omit<QueueSettings, keyof QueuePolicy> & { readonly [K in keyof QueuePolicy]?: never },
): QueueSettings {
  const { max, ...said } = { ...settings.default, ...settings.edit };
  return { ...said, ...(typeof max === "number" && { max }), ...settings };
}

function partsOf<P extends QueuePolicy | QueuePolicyEdit>(
  policy: P,
  check: (part: keyof QueuePolicy, value: unknown) => void,
): P {
  const parts = QUEUE_POLICY.filter((part) => policy[part] !== undefined);
  for (const part of parts) check(part, policy[part]);
  return Object.fromEntries(parts.map((part) => [part, policy[part]])) as unknown as P;
}

function check(name: string, part: keyof QueuePolicy, value: unknown, words: readonly string[]): void {
  const { takes, fits } = forms[part];
  if (words.includes(value as string) || fits(value)) return;
  const or = words.map((word) => quoted(word)).join(" or ");
  throw new JobbersError(
    "flag-invalid",
    `queue ${quoted(name)}: ${part} is ${quoted(value)}; it takes ${takes}${or && `, ${or}`}`,
  );
}
