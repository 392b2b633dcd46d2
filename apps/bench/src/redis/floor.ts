import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";

/** Every key of the floor. */
export const floorKeys = { waiting: "floor:waiting", running: "floor:running", step: "floor:step:" };

/** The script that reports and takes; see its own words. */
export const floorScript = readFileSync(new URL("../../scripts/floor.lua", import.meta.url), "utf8");

/** Lays out steps for the floor: an id in the list, and a hash of name and input for each. */
export async function seedFloor(redis: Redis, steps: number): Promise<void> {
  for (let from = 0; from < steps; from += 1_000) {
    const pipeline = redis.pipeline();
    for (let n = from; n < Math.min(steps, from + 1_000); n++) {
      pipeline.hset(`${floorKeys.step}${n}`, "name", "noop", "input", JSON.stringify({ n }));
      pipeline.rpush(floorKeys.waiting, n);
    }
    await pipeline.exec();
  }
}
