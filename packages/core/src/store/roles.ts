/** Which queues a role serves, each with its weight: of what its workers take, a queue with work gets about its share. */
export type RoleQueues = Readonly<Record<string, number>>;

/** One edit of a role. */
export interface RoleVersion {
  readonly version: number;
  /** Absent where the role was deleted. */
  readonly queues?: RoleQueues | undefined;
  readonly by: string;
  readonly atMs: number;
}

/** A role as it is now. */
export interface RoleRecord {
  readonly name: string;
  readonly queues: RoleQueues;
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

/** Which queues a session serves from now on, and of which role. */
export interface Serving {
  readonly queues: readonly string[];
  readonly role?: string | undefined;
}

/** Roles: which queues workers serve, set at a distance. */
export interface Casting {
  /** Makes or edits a role. An edit that changes nothing is none, so that it may be repeated. */
  setRole(name: string, queues: RoleQueues, by: string): Promise<RoleRecord>;
  /** Deletes a role; its edits are remembered. False where there is none. Who serves it goes on with what he has. */
  deleteRole(name: string, by: string): Promise<boolean>;
  /** A role with its edits; undefined where there never was one. */
  getRole(name: string): Promise<RoleHistory | undefined>;
  /** All roles, by name. */
  listRoles(): Promise<RoleRecord[]>;
  /** Says which queues a session serves from now on, for who looks at workers. */
  serve(session: string, serving: Serving): Promise<void>;
}
