import { JobbersError, type Plan, quoted, type Store, type Workflow } from "@jobbers/core";

const MAX_LISTED = 20;

/**
 * Finds a workflow that some worker has registered at a store, so that it can be submitted without its code.
 *
 * Of its input only the JSON can be checked then: the schema is code. A task parses its input at each attempt all the same; a
 * dag whose schema has defaults or transforms gets the input unparsed.
 *
 * @throws JobbersError `workflow-unknown` listing the names that are registered
 */
export async function findRegistered(
  store: Pick<Store, "findRegistration" | "listRegistrations">,
  name: string,
): Promise<Workflow> {
  const found = await store.findRegistration(name);
  if (found) {
    const plan = JSON.parse(found.planText) as Plan;
    return { kind: found.kind, name: found.name, input: undefined, plan, version: found.plan, tags: [] };
  }
  const names = [...new Set((await store.listRegistrations()).map((each) => each.name))].sort();
  const listed = names.slice(0, MAX_LISTED).join(", ") + (names.length > MAX_LISTED ? ", …" : "");
  const known = names.length === 0 ? "no worker has registered any there yet" : `there are ${listed}`;
  throw new JobbersError("workflow-unknown", `the store knows no task or dag ${quoted(name)}; ${known}`);
}
