import type { Store } from "@jobbers/core";
import { openRedisStore } from "@jobbers/store-redis";
import { type BusyStore, busyEnds, checkAll, createFakeClock, makeBusy } from "@jobbers/testing";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { US } from "../src/text.js";
import { type RedisServer, startRedis } from "./redis-server.js";

/** The prefix of all keys. */
export const P = "jobbers:{main:0}:";

/** What is broken, how, and the kinds that are found. */
export type Case = readonly [what: string, breaking: () => Promise<unknown>, kinds: readonly string[]];

/** The kinds of problems that were found, each once. */
export const kinds = (found: readonly { readonly kind: string }[]): string[] => [
  ...new Set(found.map(({ kind }) => kind)),
];

/** A place in a record that is packed with commas gets another text. */
export const set = (place: number, text: string) => (parts: string[]) => void parts.splice(place, 1, text);

/** A busy store in a Redis of its own, made anew for each test, and ways to break it. */
export class CheckBench {
  server!: RedisServer;
  raw!: Redis;
  store!: Store;
  busy!: BusyStore;

  constructor() {
    const clock = createFakeClock();
    beforeAll(async () => {
      this.server = await startRedis();
      this.raw = new Redis(this.server.url);
    });
    beforeEach(async () => {
      await this.raw.flushall();
      this.store = await openRedisStore(this.server.url, { clock: clock.now });
      this.busy = await makeBusy(this.store, clock);
    });
    afterEach(() => this.store.close());
    afterAll(async () => {
      this.raw?.disconnect();
      await this.server?.stop();
    });
  }

  get held(): string {
    return `${P}held:${this.busy.session}`;
  }

  /** Changes one field of a record that is packed with commas. */
  async patch(key: string, field: string, change: (parts: string[]) => void) {
    const parts = ((await this.raw.hget(P + key, field)) as string).split(",");
    change(parts);
    await this.raw.hset(P + key, field, parts.join(","));
  }

  /** Changes the record of a packed run, or how far a single is. */
  async rewrite(run: string, change: (text: string) => string, key: "packed" | "progress" = "packed") {
    const before = (await this.raw.hget(P + key, run)) as string;
    const after = change(before);
    expect(after).not.toBe(before);
    await this.raw.hset(P + key, run, after);
  }

  /** Gives a run the progress of the single that is running. */
  async copyProgress(run: string) {
    const progress = await this.raw.hget(`${P}progress`, this.busy.running);
    await this.raw.hset(`${P}progress`, run, progress as string);
  }

  /** The session holds something else instead of what it holds. */
  async swapHeld(member: string, other: string) {
    expect(await this.raw.srem(this.held, member)).toBe(1);
    await this.raw.sadd(this.held, other);
  }

  /** The key of a run's plan. */
  async planKey(run: string): Promise<string> {
    const own = await this.raw.hget(`${P}run:${run}`, "p");
    return `${P}plan:${own ?? (await this.raw.hget(`${P}kinds`, await this.kindOf(run)))?.split(US)[0]}`;
  }

  /** The name of the kind of a packed run, of which there is one alone with its priority and shape. */
  async kindOf(run: string): Promise<string> {
    const record = (await this.raw.hget(`${P}packed`, run)) as string;
    const name = (await this.raw.hkeys(`${P}kinds`)).find((each) => record.includes(each));
    return name as string;
  }

  /** Removes the entries of a step from all lines; those of singles are the run alone. */
  async dropEntry(run: string, address: string) {
    for (const key of await this.raw.keys(`${P}line:*`)) {
      for (const entry of await this.raw.lrange(key, 0, -1))
        if (entry.endsWith(`|${run}|${address}`) || entry === run) await this.raw.lrem(key, 0, entry);
    }
  }

  async dropTimer(run: string, address: string) {
    for (const entry of await this.raw.zrange(`${P}timers`, "0", "-1"))
      if (entry.endsWith(`|${run}|${address}`)) await this.raw.zrem(`${P}timers`, entry);
  }

  /** Removes the one entry of a list that names a run. */
  async dropListed(list: string, run: string) {
    for (const entry of await this.raw.lrange(P + list, 0, -1))
      if (entry.endsWith(run)) await this.raw.lrem(P + list, 0, entry);
  }

  /** What is broken is found, twice alike; a repair mends it, and every run still comes to its own end. */
  async mends(breaking: () => Promise<unknown>, expected: readonly string[]) {
    const { store, busy } = this;
    await breaking();
    const found = await checkAll(store);
    expect(kinds(found).sort()).toEqual(expect.arrayContaining([...expected]));
    expect(found.every(({ repaired }) => !repaired)).toBe(true);
    expect(kinds(await checkAll(store)).sort()).toEqual(kinds(found).sort());
    const repaired = await checkAll(store, { repair: true });
    expect(repaired.filter((each) => !each.repaired)).toEqual([]);
    // What was given back to lines may show only once the rest is mended.
    await checkAll(store, { repair: true });
    expect(await checkAll(store)).toEqual([]);
    expect(await busy.finish()).toEqual(busyEnds);
    expect(await checkAll(store)).toEqual([]);
  }

  /** What is broken is named, and stays as it is. */
  async names(breaking: () => Promise<unknown>, expected: readonly string[]) {
    await breaking();
    expect(kinds(await checkAll(this.store))).toEqual(expect.arrayContaining([...expected]));
    await checkAll(this.store, { repair: true });
    const left = await checkAll(this.store, { repair: true });
    expect(kinds(left)).toEqual([...expected]);
    expect(left.every(({ repaired }) => !repaired)).toBe(true);
  }

  /** How often the server has written something. */
  async changes(): Promise<string | undefined> {
    return /rdb_changes_since_last_save:(\d+)/.exec(await this.raw.info("persistence"))?.[1];
  }
}
