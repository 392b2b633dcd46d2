import type { Violation } from "./evidence.js";
import type { IntakeLine } from "./ledgers.js";
import type { Findings } from "./rows.js";
import { workflowNames } from "./workflows.js";

/** What has to have happened so that a run proves anything. */
export interface Demands {
  readonly kinds: readonly string[];
  readonly succeeded: number;
}

/** How many runs have to be acknowledged for each that has to succeed: some are made to fail. */
const RESERVE = 1.5;

/** True when ledger A promises that enough will have succeeded, of every workflow. */
export function isEnough(intake: readonly IntakeLine[], { succeeded }: Demands): boolean {
  const acknowledged = intake.filter(({ type }) => type === "acknowledged").length;
  const names = new Set(intake.flatMap((line) => (line.type === "intent" ? line.workflow : [])));
  return acknowledged >= RESERVE * succeeded && workflowNames.every((name) => names.has(name));
}

/** A run in which too little happened proves nothing. */
export function vacuous(
  { kinds, succeeded: least }: Demands,
  succeeded: number,
  { evidence, intents, work, recovery }: Omit<Findings, "violations">,
): Violation[] {
  const idle: string[] = [];
  if (succeeded < least) idle.push(`only ${succeeded} runs succeeded; ${least} is the least`);
  for (const kind of kinds)
    if (!evidence.faults.some((fault) => fault.kind === kind)) idle.push(`no fault "${kind}" was injected`);
  if (kinds.includes("kill") && recovery.held === 0) idle.push("no killed worker held a step");
  if (kinds.includes("late-return") && work.contested === 0)
    idle.push("nobody finished a step while another was at it");
  for (const name of workflowNames)
    if (![...intents.values()].some(({ line }) => line.workflow === name))
      idle.push(`no "${name}" was submitted`);
  return idle.map((what) => ({ class: "other", what: `vacuous: ${what}` }));
}
