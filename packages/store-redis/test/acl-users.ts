import { fileURLToPath } from "node:url";
import type { Store } from "@jobbers/core";
import { openRedisStore, type RedisStoreOptions } from "@jobbers/store-redis";
import { call } from "./cluster-nodes.js";
import type { RedisServer } from "./redis-server.js";

/** The list that is shipped; `redis-server --aclfile` takes it. */
export const aclFile = fileURLToPath(new URL("../jobbers.acl", import.meta.url));

/** Its users: one to work as, one to inspect as. */
export const aclUsers = ["jobbers", "jobbers-doctor"] as const;

/** Gives the users of a server that has loaded the list their password, `pw`. */
export async function allowUsers(server: RedisServer): Promise<void> {
  for (const user of aclUsers) await call(server, "ACL", "SETUSER", user, ">pw");
}

/** A store that works as the one user, and is inspected as the other. */
export async function openAsUsers(
  urlOf: (user: string) => string,
  options: RedisStoreOptions,
): Promise<Store> {
  const [working, inspecting] = (await Promise.all(
    aclUsers.map((user) => openRedisStore(urlOf(user), options)),
  )) as [Store, Store];
  const close = () => Promise.all([working.close(), inspecting.close()]).then(() => {});
  return { ...working, check: inspecting.check, diagnose: inspecting.diagnose, close };
}
