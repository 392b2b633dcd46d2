import type { RoleEdit, RoleHistory, RoleRecord, RoleUsage, Store } from "@jobbers/core";

/** Roles: which queues workers serve, set at a distance. */
export interface Roles {
  list(): Promise<RoleRecord[]>;
  /** A role with its newest edits; undefined where there never was one. */
  read(name: string): Promise<RoleHistory | undefined>;
  /**
   * Makes or edits a role; what is left out stays. Running workers that have it follow new queues within 2 s, and a new `concurrency` (how
   * many steps all of them together may run at once) with what they take next.
   *
   * @throws JobbersError `name-invalid` or `flag-invalid`, naming the field; `role-unknown` where there is none yet, and no queues are said
   * @example
   * await jobbers.roles.set("crawler", { queues: { crawl: 3, mail: 1 }, concurrency: 50 });
   */
  set(name: string, edit: RoleEdit): Promise<RoleRecord>;
  /** How many steps its workers run at this moment, and who runs them. */
  usage(name: string): Promise<RoleUsage>;
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
    set: (name, edit) => store.setRole(name, edit, by),
    usage: (name) => store.readRoleUsage(name),
    delete: (name) => store.deleteRole(name, by),
  };
}
