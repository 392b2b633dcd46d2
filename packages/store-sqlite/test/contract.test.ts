import { openSqliteStore } from "@jobbers/store-sqlite";
import type { Faults } from "@jobbers/testing";
import { type OpenStore, storeContract } from "@jobbers/testing/contract";
import { memoryDirectory } from "./place.js";

const directory = memoryDirectory();
let files = 0;
const inFile: OpenStore = ({ clock, eventsKept }) =>
  openSqliteStore(`sqlite:${directory}/${++files}.db`, { clock: clock.now, eventsKept });
const inMemory: OpenStore = ({ clock, eventsKept }) =>
  openSqliteStore("memory:", { clock: clock.now, eventsKept, expireMemorySessions: true });

storeContract("sqlite in a file", inFile, {
  reopen: (first, { clock }) => openSqliteStore(first.url, { clock: clock.now }),
});
const faults: Faults = { seed: 20_261_121, twice: true, dropReplies: 0.2, delay: true, chunk: 3 };
storeContract("sqlite in memory, behind a bad line", inMemory, { faults });
