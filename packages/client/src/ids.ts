import { monotonicFactory } from "ulid";

/** Makes a source of run ids, ULIDs that only grow, so that each request names its run before it is sent. */
export function createIds(): () => string {
  const next = monotonicFactory();
  return () => next();
}
