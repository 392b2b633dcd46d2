import { z } from "@hono/zod-openapi";
import { JobbersError, quoted, type RoleRecord, type RoleVersion } from "@jobbers/core";
import { empty, json } from "../answers.js";
import type { ApiContext } from "../context.js";
import { editorIn } from "../editor.js";
import { readFields } from "../fields.js";
import { iso } from "../instants.js";
import { defineRoute } from "../route.js";
import { name } from "../wire/basics.js";
import {
  type Role,
  type RoleDetail,
  type RoleList,
  role,
  roleDetail,
  roleEdit,
  roleList,
} from "../wire/role.js";

const rolePath = z.object({ name });

/** `GET /v1/roles` */
export const listRoles = defineRoute(
  {
    method: "get",
    path: "/v1/roles",
    operationId: "listRoles",
    tag: "fleet",
    summary: "The roles: which queues their workers serve",
    answers: { 200: { description: "By name.", schema: roleList } },
    problems: ["store-busy", "store-closed"],
  },
  async (context) => {
    const [roles, count] = await Promise.all([context.store.listRoles(), countWorkers(context)]);
    const body: RoleList = {
      roles: await Promise.all(roles.map((each) => roleView(context, each, count))),
    };
    return json(body);
  },
);

/** `GET /v1/roles/{name}` */
export const getRole = defineRoute(
  {
    method: "get",
    path: "/v1/roles/{name}",
    operationId: "getRole",
    tag: "fleet",
    summary: "A role with its newest edits",
    params: rolePath,
    answers: { 200: { description: "The role.", schema: roleDetail } },
    problems: ["role-unknown", "store-busy", "store-closed"],
  },
  async (context, { params: { name } }) => {
    const [found, count] = await Promise.all([context.store.getRole(name), countWorkers(context)]);
    if (!found?.role) throw new JobbersError("role-unknown", `there is no role ${quoted(name)}`);
    const view = await roleView(context, found.role, count);
    const body: RoleDetail = { ...view, versions: found.versions.map(versionView) };
    return json(body);
  },
);

/** `PUT /v1/roles/{name}` */
export const setRole = defineRoute(
  {
    method: "put",
    path: "/v1/roles/{name}",
    operationId: "setRole",
    tag: "fleet",
    summary: "Make or edit a role",
    description:
      "What is left out stays as it is. Running workers that have it take up its queues within 2 s; `concurrency` holds with all that is " +
      "taken next. May be repeated.",
    params: rolePath,
    body: { type: "application/json", schema: roleEdit },
    answers: { 200: { description: "The role as it is now.", schema: role } },
    problems: [
      "flag-invalid",
      "name-invalid",
      "role-unknown",
      "store-busy",
      "store-unwritable",
      "store-closed",
    ],
  },
  async (context, { c, params: { name } }) => {
    const { by, ...edit } = await readFields(c, context.limits, roleEdit, "an edit of a role");
    const edited = await context.store.setRole(name, edit, editorIn(c, by));
    return json(await roleView(context, edited, await countWorkers(context)));
  },
);

/** `DELETE /v1/roles/{name}` */
export const deleteRole = defineRoute(
  {
    method: "delete",
    path: "/v1/roles/{name}",
    operationId: "deleteRole",
    tag: "fleet",
    summary: "Delete a role",
    description: "Workers that have it go on with the queues that they have. May be repeated.",
    params: rolePath,
    answers: { 204: { description: "It is gone, if it was there." } },
    problems: ["store-busy", "store-unwritable", "store-closed"],
  },
  async ({ store }, { c, params: { name } }) => {
    await store.deleteRole(name, editorIn(c, undefined));
    return empty(204);
  },
);

/** How many live sessions have each role. */
async function countWorkers({ store }: ApiContext): Promise<ReadonlyMap<string, number>> {
  const count = new Map<string, number>();
  for (const { role } of await store.listWorkers())
    if (role !== undefined) count.set(role, (count.get(role) ?? 0) + 1);
  return count;
}

async function roleView(
  { store }: ApiContext,
  { editedAtMs, queues, ...rest }: RoleRecord,
  count: ReadonlyMap<string, number>,
): Promise<Role> {
  const { running, holders } = await store.readRoleUsage(rest.name);
  return {
    ...{ ...rest, queues: { ...queues }, running, holders: holders.map((each) => ({ ...each })) },
    ...{ editedAt: iso(editedAtMs), workers: count.get(rest.name) ?? 0 },
  };
}

function versionView({ queues, atMs, ...rest }: RoleVersion): RoleDetail["versions"][number] {
  return { ...rest, ...(queues && { queues: { ...queues } }), at: iso(atMs) };
}
