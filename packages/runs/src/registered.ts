import { JobbersError, type Plan, quoted, type Store, type Workflow } from "@jobbers/core";

const MAX_LISTED = 20;

/** A workflow as its registration tells of it: all but its code. */
export interface RegisteredWorkflow extends Workflow {
  readonly keepMs: number | undefined;
  /** True for a dag whose input a worker has to parse before its first step. */
  readonly isUnparsed: boolean;
}

/**
 * Finds a workflow that some worker has registered at a store, so that it can be submitted without its code.
 *
 * Of its input only the JSON can be checked then: the schema is code. A task parses its input at each attempt all the same; that of a
 * dag is parsed by a worker that has it, as the run's beginning: where it does not fit, the run fails before any step.
 *
 * @throws JobbersError `workflow-unknown` listing the names that are registered
 */
export async function findRegistered(
  store: Pick<Store, "findRegistration" | "listRegistrations">,
  name: string,
): Promise<RegisteredWorkflow> {
  const found = await store.findRegistration(name);
  if (found) {
    const { kind, plan: version, planText, tags = [], keepMs, parses: isUnparsed = false } = found;
    const plan = JSON.parse(planText) as Plan;
    return { kind, name: found.name, input: undefined, plan, version, tags, keepMs, isUnparsed };
  }
  const names = [...new Set((await store.listRegistrations()).map((each) => each.name))].sort();
  const listed = names.slice(0, MAX_LISTED).join(", ") + (names.length > MAX_LISTED ? ", …" : "");
  const known = names.length === 0 ? "no worker has registered any there yet" : `there are ${listed}`;
  throw new JobbersError("workflow-unknown", `the store knows no task or dag ${quoted(name)}; ${known}`);
}
