import type { QueueRecord } from "@jobbers/core";
import type { Sql } from "./driver.js";

/** The queues that steps have stood in, with how many are ready and running. */
export function listQueues(sql: Sql): QueueRecord[] {
  const select =
    "SELECT name, sum(ready) AS ready, sum(running) AS running FROM " +
    "(SELECT queue AS name, depth AS ready, 0 AS running FROM lines UNION ALL SELECT name, 0, running FROM queues) " +
    "WHERE name <> '' GROUP BY name ORDER BY name";
  return sql.all<QueueRecord>(select).map((row) => ({ ...row }));
}
