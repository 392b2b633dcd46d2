import type { RoleHistory, RoleQueues, RoleRecord, Store } from "@jobbers/core";

/** Roles: which queues workers serve, set at a distance. */
export interface Roles {
  list(): Promise<RoleRecord[]>;
  /** A role with its newest edits; undefined where there never was one. */
  read(name: string): Promise<RoleHistory | undefined>;
  /**
   * Makes or edits a role; running workers that have it follow within 2 s.
   *
   * @throws JobbersError `name-invalid` or `flag-invalid`, naming the field
   * @example
   * await jobbers.roles.set("crawler", { crawl: 3, mail: 1 });
   */
  set(name: string, queues: RoleQueues): Promise<RoleRecord>;
  /** Deletes a role; workers that have it go on with the queues that they have. False where there is none. */
  delete(name: string): Promise<boolean>;
}

/**
 * Makes the face of a store's roles.
 *
 * @param by who edits, as it is kept
 */
export function createRoles(store: Store, by: string): Roles {
  return {
    list: () => store.listRoles(),
    read: (name) => store.getRole(name),
    set: (name, queues) => store.setRole(name, queues, by),
    delete: (name) => store.deleteRole(name, by),
  };
}
