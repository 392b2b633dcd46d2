import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "@jobbers/store-sqlite";
import type { Faults } from "@jobbers/testing";
import { type OpenStore, storeContract } from "@jobbers/testing/contract";
import { afterAll } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "jobbers-contract-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let files = 0;
const inFile: OpenStore = ({ clock, eventsKept }) =>
  openSqliteStore(`sqlite:${directory}/${++files}.db`, { clock: clock.now, eventsKept });
const inMemory: OpenStore = ({ clock, eventsKept }) =>
  openSqliteStore("memory:", { clock: clock.now, eventsKept, expireMemorySessions: true });

storeContract("sqlite in a file", inFile, {
  reopen: (first, { clock }) => openSqliteStore(first.url, { clock: clock.now }),
});
storeContract("sqlite in memory", inMemory);

const faults: Faults = { seed: 20_261_121, twice: true, dropReplies: 0.2, delay: true, chunk: 3 };
storeContract("sqlite behind a bad line", inMemory, { faults });
