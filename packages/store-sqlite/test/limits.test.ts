import { openSqliteStore } from "@jobbers/store-sqlite";
import { fairnessTest, limitsTest, type OpenStore } from "@jobbers/testing/contract";
import { test } from "vitest";

const inMemory: OpenStore = ({ clock }) =>
  openSqliteStore("memory:", { clock: clock.now, expireMemorySessions: true });

test("limits hold under random schedules", () => limitsTest(inMemory), 120_000);

test("tenants have their parts under random schedules", () => fairnessTest(inMemory, { runs: 6 }), 120_000);
