// A client that only pings, in a process of its own, so that nobody's event loop is measured but Redis.
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { percentile } from "../scenario.js";
import { nowMs, obey, readOrder, tell } from "./protocol.js";

const redis = new Redis(readOrder().url);
const samples: number[] = [];
let isOver = false;
await redis.ping();

async function pingOn(): Promise<void> {
  while (!isOver) {
    const fromMs = nowMs();
    await redis.ping();
    samples.push(nowMs() - fromMs);
    await pause(1);
  }
}

let pinging: Promise<void> | undefined;
obey({
  async go() {
    pinging = pingOn();
    tell({ type: "working", atMs: nowMs() });
  },
  async stop() {
    isOver = true;
    await pinging;
    redis.disconnect();
    const [p50Ms, p99Ms] = [percentile(samples, 50), percentile(samples, 99)];
    tell({ type: "pinged", worstMs: Math.max(...samples), p50Ms, p99Ms });
  },
});
