import { type AnyWorkflow, connect, type Jobbers, type Workflow } from "jobbers";

/** A workflow whose input is a number. */
export type Numbered = AnyWorkflow & Workflow<{ n: number }, unknown>;

/** How many runs one call submits. */
const BATCH = 500;

/** Submits runs in calls of 500 on a connection of its own. */
export async function submitRuns(url: string, workflow: Numbered, runs: number): Promise<void> {
  await using jobbers = await connect(url);
  await submitRunsTo(jobbers, workflow, runs);
}

/** The same on an open connection. */
export async function submitRunsTo(
  jobbers: Jobbers,
  workflow: Numbered,
  runs: number,
  inputOf = (n: number): { n: number } => ({ n }),
): Promise<void> {
  for (let from = 0; from < runs; from += BATCH) {
    const length = Math.min(BATCH, runs - from);
    const items = Array.from({ length }, (_, i) => ({ input: inputOf(from + i) }));
    const answers = await jobbers.submitMany(workflow, items);
    const refused = answers.find(({ status }) => status !== "created");
    if (refused) throw new Error(`a run was not created: ${JSON.stringify(refused)}`);
  }
}
