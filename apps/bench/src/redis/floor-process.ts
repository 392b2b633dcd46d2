// The worker of the floor: lanes that report what they took before and take the next, and a handler that does nothing.
import { Redis } from "ioredis";
import { floorKeys, floorScript } from "./floor.js";
import { createTally, nowMs, obey, readOrder, tell } from "./protocol.js";

/** A script that ioredis knows under a name of its own. */
interface Floor {
  floor(waiting: string, running: string, ...args: (string | number)[]): Promise<[string, string, string][]>;
}

const order = readOrder();
const tally = createTally(order);
const lanes = order.lanes ?? 1;
const room = order.concurrency / lanes;
const redis = new Redis(order.url, {
  scripts: { floor: { lua: floorScript, numberOfKeys: 2 } },
}) as Redis & Floor;
await redis.ping();

async function lane(): Promise<void> {
  let results: string[] = [];
  let isEmpty = false;
  while (!isEmpty || results.length > 0) {
    const { waiting, running, step } = floorKeys;
    const taken = await redis.floor(waiting, running, step, Date.now(), room, ...results);
    tally.add(results.length / 2);
    isEmpty = taken.length === 0;
    results = taken.flatMap(([id, , input]) => [id, JSON.stringify((JSON.parse(input) as { n: number }).n)]);
  }
}

obey({
  async go() {
    tally.begin();
    tell({ type: "working", atMs: nowMs() });
    await Promise.all(Array.from({ length: lanes }, lane));
  },
  async stop() {
    redis.disconnect();
  },
});
