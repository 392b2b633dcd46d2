import { JobbersError, quoted, type RoleRecord, type Store } from "@jobbers/core";
import { type Asker, messageOf, untilAnswered } from "./persistence.js";
import type { Serving } from "./serving.js";
import { pause } from "./waiting.js";

/** How often a worker looks at its role, in milliseconds. */
const LOOK_MS = 1_000;

export interface RoleOptions {
  readonly store: Pick<Store, "getRole" | "serve">;
  readonly name: string;
  readonly serving: Serving;
  readonly session: () => string;
  readonly asker: Asker;
  /** Other queues are served from now on. */
  readonly onChange: () => void;
}

/**
 * Reads a role before anything is served.
 *
 * @throws JobbersError `role-unknown`
 */
export async function readRole(store: Pick<Store, "getRole">, name: string): Promise<RoleRecord> {
  const role = (await store.getRole(name))?.role;
  if (role) return role;
  throw new JobbersError(
    "role-unknown",
    `there is no role ${quoted(name)}; make it: jobbers roles set ${name} --queues QUEUE=1`,
  );
}

/**
 * Follows the edits of a role until the signal aborts: what a worker has it finishes, and what it takes next comes from the new queues. It
 * looks once a second, which any store can answer, whoever is between; a role that was deleted leaves the worker what it has.
 */
export async function followRole(options: RoleOptions, first: RoleRecord): Promise<void> {
  const { store, name, serving, session, asker } = options;
  const { log, signal } = asker;
  let version = first.version;
  let told = session();
  let isGone = false;
  while (!signal.aborted) {
    await pause(LOOK_MS, signal);
    if (signal.aborted) return;
    try {
      const role = (await untilAnswered("getRole", () => store.getRole(name), asker))?.role;
      if (!role) {
        if (!isGone)
          log.warn(`role ${name} was deleted; this worker goes on with its queues`, {
            queues: serving.queues,
          });
        isGone = true;
        continue;
      }
      const isNews = role.version !== version || isGone;
      isGone = false;
      if (!isNews && told === session()) continue;
      if (isNews) {
        serving.play(role.queues);
        options.onChange();
        log.info(`role ${name} was edited by ${role.editedBy}`, {
          version: role.version,
          queues: serving.queues,
        });
      }
      // Repeated with the next look where it does not succeed.
      version = role.version;
      told = "";
      const current = session();
      const what = { queues: serving.queues, role: name };
      await untilAnswered("serve", () => store.serve(current, what), asker);
      told = current;
    } catch (error) {
      log.debug("the role could not be looked at", { role: name, error: messageOf(error) });
    }
  }
}
