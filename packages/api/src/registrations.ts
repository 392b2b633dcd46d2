import { JobbersError, type JsonValue, quoted, type Store, type Workflow } from "@jobbers/core";
import { createInputCheck, findRegistered, type InputCheck } from "@jobbers/runs";

/** What is submitted by name. */
export interface Registered {
  readonly workflow: Workflow;
  readonly check: InputCheck;
}

/** What workers have registered, remembered for some seconds; a name that is not known is asked for each time. */
export interface Registrations {
  /** Throws `workflow-unknown`. */
  find(kind: "dag" | "task", name: string): Registered | Promise<Registered>;
}

interface Kept {
  readonly registered: Registered;
  /** What was registered, to tell whether it is still the same. */
  readonly text: string;
  readonly untilMs: number;
}

const KEPT_MS = 3_000;
const MAX_KEPT = 1_000;

/** Makes the memory of registrations: with it a submit costs one round trip. */
export function createRegistrations(
  store: Pick<Store, "findRegistration" | "listRegistrations">,
): Registrations {
  const kept = new Map<string, Kept>();
  const asked = new Map<string, Promise<Registered>>();

  const ask = async (name: string): Promise<Registered> => {
    const record = await store.findRegistration(name);
    const before = kept.get(name);
    kept.delete(name);
    const { registeredAtMs: _at, planText: _plan, ...rest } = record ?? { registeredAtMs: 0, planText: "" };
    const text = JSON.stringify(rest);
    const schema = record?.inputSchema;
    // The same object as before: what is prepared once for a workflow is found by it.
    const registered =
      before?.text === text
        ? before.registered
        : {
            workflow: await findRegistered(
              { findRegistration: async () => record, listRegistrations: () => store.listRegistrations() },
              name,
            ),
            check: schema === undefined ? noCheck : createInputCheck(schema),
          };
    kept.set(name, { registered, text, untilMs: performance.now() + KEPT_MS });
    const [oldest] = kept.keys();
    if (kept.size > MAX_KEPT) kept.delete(oldest as string);
    return registered;
  };

  return {
    find(kind, name) {
      const known = kept.get(name);
      if (known !== undefined && known.untilMs > performance.now() && known.registered.workflow.kind === kind)
        return known.registered;
      let asking = asked.get(name);
      if (asking === undefined) {
        asking = ask(name).finally(() => asked.delete(name));
        asked.set(name, asking);
      }
      return asking.then((registered) => checkKind(registered, kind, name));
    },
  };
}

function noCheck(_input: JsonValue): readonly [] {
  return [];
}

function checkKind(registered: Registered, kind: "dag" | "task", name: string): Registered {
  const found = registered.workflow.kind;
  if (found === kind) return registered;
  throw new JobbersError(
    "workflow-unknown",
    `there is no ${kind} ${quoted(name)}, but a ${found} of that name`,
  );
}
