import type { QueueRecord } from "@jobbers/core";
import type { Sql } from "./driver.js";
import { allSettings } from "./steering.js";

/** The queues that steps have stood in, with how many are ready and running, and those that are set. */
export function listQueues(sql: Sql): QueueRecord[] {
  const select =
    "SELECT name, sum(ready) AS ready, sum(running) AS running FROM " +
    "(SELECT queue AS name, depth AS ready, 0 AS running FROM lines UNION ALL SELECT name, 0, running FROM queues " +
    "UNION ALL SELECT name, 0, 0 FROM queue_settings) " +
    "WHERE name <> '' GROUP BY name ORDER BY name";
  const settings = allSettings(sql);
  return sql.all<QueueRecord>(select).map((row) => {
    const set = settings.get(row.name);
    return { ...row, ...(set && { settings: set }) };
  });
}
