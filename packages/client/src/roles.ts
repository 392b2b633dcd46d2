import type { Role as Read, RoleDetail as ReadDetail } from "@jobbers/api";
import { type InMs, inMs } from "./instants.js";
import type { Editor } from "./queues.js";
import type { Transport } from "./transport.js";

/** A role: which queues its workers serve, each with its weight. */
export type Role = InMs<Read>;

/** A role with its newest edits. */
export interface RoleDetail extends Omit<InMs<ReadDetail>, "versions"> {
  readonly versions: readonly InMs<ReadDetail["versions"][number]>[];
}

/** The roles of a server. */
export interface RolesClient {
  list(): Promise<Role[]>;
  /**
   * One role with its newest edits.
   *
   * @throws JobbersHttpError `role-unknown`
   */
  read(name: string): Promise<RoleDetail>;
  /**
   * Makes or edits a role; running workers that have it follow within 2 s.
   *
   * @throws JobbersHttpError `flag-invalid`, naming the field
   */
  set(name: string, queues: Readonly<Record<string, number>>, editor?: Editor): Promise<Role>;
  /** Deletes a role; workers that have it go on with the queues that they have. */
  delete(name: string): Promise<void>;
}

/** Makes the face of roles over a transport. */
export function createRolesClient(transport: Transport): RolesClient {
  const pathOf = (name: string) => `/v1/roles/${encodeURIComponent(name)}`;
  return {
    list: async () => (await transport.json<{ roles: Read[] }>({ path: "/v1/roles" })).roles.map(inMs),
    async read(name) {
      const { versions, ...rest } = await transport.json<ReadDetail>({ path: pathOf(name) });
      return { ...inMs(rest), versions: versions.map(inMs) };
    },
    set: async (name, queues, { by } = {}) =>
      inMs(await transport.json<Read>({ path: pathOf(name), method: "PUT", body: { json: { queues, by } } })),
    async delete(name) {
      await transport.send({ path: pathOf(name), method: "DELETE" });
    },
  };
}
