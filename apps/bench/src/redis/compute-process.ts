// Only computes, as any process does that shares the machine's processors with Redis and a client of it.
import { setImmediate as turn } from "node:timers/promises";
import { nowMs, obey, tell } from "./protocol.js";

/** How long it computes before it hears whether it is to stop, in milliseconds. */
const SLICE_MS = 20;

let isOver = false;

async function computeOn(): Promise<void> {
  while (!isOver) {
    const untilMs = nowMs() + SLICE_MS;
    while (nowMs() < untilMs);
    await turn();
  }
}

obey({
  async go() {
    tell({ type: "working", atMs: nowMs() });
    await turn();
    void computeOn();
  },
  async stop() {
    isOver = true;
  },
});
