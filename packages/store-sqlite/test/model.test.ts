import { openSqliteStore } from "@jobbers/store-sqlite";
import { agreementTest, modelTest, type OpenStore, rerunTest } from "@jobbers/testing/contract";
import { test } from "vitest";

const inMemory: OpenStore = ({ clock }) =>
  openSqliteStore("memory:", { clock: clock.now, expireMemorySessions: true });

test(
  "the store does what the model of the state machine does",
  () => modelTest(inMemory, { runs: 200 }),
  120_000,
);

test("a dag ends in the store as it ends in runDag", () => agreementTest(inMemory, { runs: 300 }), 120_000);

test(
  "a rerun redoes a step and what comes after it, and nothing else",
  () => rerunTest(inMemory, { runs: 60 }),
  120_000,
);
