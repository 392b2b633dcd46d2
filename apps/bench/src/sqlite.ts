import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Suite } from "./scenario.js";
import { scenarios } from "./scenarios/all.js";

/** The scenarios of the embedded store, each on a new database file in the directory. */
export function sqliteSuite(dir: string): Suite {
  return {
    store: "sqlite, WAL, synchronous=FULL, one process",
    scenarios: scenarios.map((scenario) => ({
      ...scenario,
      async measure(scale) {
        const folder = await mkdtemp(join(dir, "jobbers-bench-"));
        try {
          return await scenario.measure(folder, scale);
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      },
    })),
    async [Symbol.asyncDispose]() {},
  };
}
