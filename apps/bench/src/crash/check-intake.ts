import type { Evidence, Violation } from "./evidence.js";
import type { IntakeLine } from "./ledgers.js";

/** What ledger A says of one run. */
export interface Intent {
  readonly line: Extract<IntakeLine, { type: "intent" }>;
  readonly acknowledgedAt?: number | undefined;
}

/** Reads ledger A, and finds what a client must never be told. */
export function checkIntake({ intake, torn }: Evidence): {
  readonly intents: ReadonlyMap<string, Intent>;
  readonly violations: readonly Violation[];
} {
  const intents = new Map<string, Intent>();
  const violations: Violation[] = [];
  const blame = (what: string, run?: string) => violations.push({ class: "other", what, run });
  // A process that is killed in the middle of a write may leave one torn line; handlers write whole lines.
  if (torn > 1) blame(`${torn} lines of the ledgers are torn`);
  for (const line of intake) {
    const { id } = line;
    const intent = intents.get(id);
    if (line.type === "intent") {
      if (intent) blame("the submitter made one id twice", id);
      intents.set(id, { line });
    } else if (!intent) blame(`ledger A has "${line.type}" for an id that it never meant to submit`, id);
    else if (line.type === "acknowledged") {
      intents.set(id, { ...intent, acknowledgedAt: intent.acknowledgedAt ?? line.at });
    } else if (line.type === "refused") blame(`a valid run was refused: ${line.code}`, id);
    else if (line.type === "conflict" && !harmless.has(line.answer))
      blame(`other content under an acknowledged id was answered with "${line.answer}"`, id);
  }
  for (const [id, { acknowledgedAt }] of intents)
    if (acknowledgedAt === undefined) blame("it was never acknowledged, however often it was sent", id);
  return { intents, violations };
}

/** The store may not have heard it at all. */
const harmless = new Set(["run-conflict", "store-busy", "store-unwritable"]);
