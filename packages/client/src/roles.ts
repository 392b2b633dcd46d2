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

/** What an edit of a role says; what is left out stays as it is. */
export interface RoleEdit {
  /** Its queues, each with its weight. Have to be said of a role that is not there yet. */
  readonly queues?: Readonly<Record<string, number>> | undefined;
  /** How many steps all its workers together may run at once. */
  readonly concurrency?: number | "none" | undefined;
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
   * Makes or edits a role. Running workers that have it follow new queues within 2 s, and a new `concurrency` with what they take next.
   *
   * @throws JobbersHttpError `flag-invalid`, naming the field; `role-unknown` where there is none yet, and no queues are said
   * @example
   * await client.roles.set("crawler", { concurrency: 50 });
   */
  set(name: string, edit: RoleEdit, editor?: Editor): Promise<Role>;
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
    set: async (name, edit, { by } = {}) =>
      inMs(
        await transport.json<Read>({ path: pathOf(name), method: "PUT", body: { json: { ...edit, by } } }),
      ),
    async delete(name) {
      await transport.send({ path: pathOf(name), method: "DELETE" });
    },
  };
}
