/** Which queues a role serves, each with its weight: of what its workers take, a queue with work gets about its share. */
export type RoleQueues = Readonly<Record<string, number>>;

/** What an edit of a role says; what is left out stays as it is. */
export interface RoleEdit {
  /** Has to be said of a role that is not there yet. */
  readonly queues?: RoleQueues | undefined;
  /** How many steps all its workers together may run at once. */
  readonly concurrency?: number | "none" | undefined;
}

/** One edit of a role. */
export interface RoleVersion {
  readonly version: number;
  /** Absent where the role was deleted. */
  readonly queues?: RoleQueues | undefined;
  /** Absent where any number of steps may run at once. */
  readonly concurrency?: number | undefined;
  readonly by: string;
  readonly atMs: number;
}

/** A role as it is now. */
export interface RoleRecord {
  readonly name: string;
  readonly queues: RoleQueues;
  /** How many steps all its workers together may run at once; absent: any number. */
  readonly concurrency?: number | undefined;
  /** How often it was edited, by whom last, and when. */
  readonly version: number;
  readonly editedBy: string;
  readonly editedAtMs: number;
}

/** What is known of a role's name: `role` is absent where it was deleted. */
export interface RoleHistory {
  readonly role?: RoleRecord | undefined;
  /** Newest first, at most {@link ROLE_VERSIONS_KEPT}. */
  readonly versions: readonly RoleVersion[];
}

/** How many edits of a role are remembered. */
export const ROLE_VERSIONS_KEPT = 20;

/** How many steps the workers of a role run at this moment. */
export interface RoleUsage {
  /** How many may run at once; absent: any number. */
  readonly concurrency?: number | undefined;
  /** Control work is not counted. */
  readonly running: number;
  /** Who runs them, those first that run most, at most {@link ROLE_HOLDERS_SHOWN}. */
  readonly holders: readonly RoleHolder[];
}

/** A session that runs steps of its role. One that is lost or closing is among them until all of them have been taken back. */
export interface RoleHolder {
  readonly session: string;
  readonly worker: string;
  readonly running: number;
}

/** How many of the sessions that run steps of a role are told. */
export const ROLE_HOLDERS_SHOWN = 10;

/** Which queues a session serves from now on, and of which role. */
export interface Serving {
  readonly queues: readonly string[];
  readonly role?: string | undefined;
}

/** Roles: which queues workers serve, and how much of them at once, set at a distance. */
export interface Casting {
  /**
   * Makes or edits a role. An edit that changes nothing is none, so that it may be repeated. Of a role with a `concurrency`, no exchange
   * hands its sessions more steps to run than that leaves; who listens meanwhile is woken when there is room again. An edit stops nothing
   * that runs. Rejects with `role-unknown` where there is no such role and no `queues` are said.
   */
  setRole(name: string, edit: RoleEdit, by: string): Promise<RoleRecord>;
  /** Deletes a role; its edits are remembered. False where there is none. Who serves it goes on with what he has. */
  deleteRole(name: string, by: string): Promise<boolean>;
  /** A role with its edits; undefined where there never was one. */
  getRole(name: string): Promise<RoleHistory | undefined>;
  /** All roles, by name. */
  listRoles(): Promise<RoleRecord[]>;
  /** What the workers of a role run; of a role that was deleted those that still have it. */
  readRoleUsage(name: string): Promise<RoleUsage>;
  /** Says which queues a session serves from now on, for who looks at workers. */
  serve(session: string, serving: Serving): Promise<void>;
}
