import type { Violation } from "./evidence.js";
import type { Findings } from "./rows.js";
import { workflowNames } from "./workflows.js";

/** What has to have happened so that a run proves anything. */
export interface Demands {
  readonly kinds: readonly string[];
  readonly succeeded: number;
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
