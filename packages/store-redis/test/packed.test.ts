import type { Grant, Store, Submission } from "@jobbers/core";
import { openRedisStore } from "@jobbers/store-redis";
import {
  checkAll,
  createFakeClock,
  type Driver,
  openDriver,
  samplePlans,
  submissionOf,
} from "@jobbers/testing";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { keysOf } from "../src/keys.js";
import { type RedisServer, startRedis } from "./redis-server.js";

const P = "jobbers:{main:0}:";
const { single, chain, diamond } = samplePlans;
let clock = createFakeClock();
let server: RedisServer;
let raw: Redis;
let store: Store;

beforeAll(async () => {
  server = await startRedis();
  raw = new Redis(server.url);
});
beforeEach(async () => {
  await raw.flushall();
  clock = createFakeClock();
  store = await openRedisStore(server.url, { clock: clock.now });
});
afterEach(async () => {
  expect(await checkAll(store)).toEqual([]);
  await store.close();
});
afterAll(async () => {
  raw?.disconnect();
  await server?.stop();
});

/** Which of the two forms a run has. */
async function formOf({ id }: Submission): Promise<string> {
  const forms = [await raw.hexists(`${P}packed`, id), await raw.exists(`${P}run:${id}`)];
  return ["none", "own", "packed", "both"][2 * (forms[0] as number) + (forms[1] as number)] as string;
}

const LENGTH = 12;
const serves = ["a", "b", "c", "d", ...Array.from({ length: LENGTH }, (_, i) => `s${i + 1}`)];
const script = () => ({ succeed: "z".repeat(1_000) });
const open = (): Promise<Driver> => openDriver(store, { serves, script });

async function submit(submission: Submission): Promise<Submission> {
  expect(await store.submit([submission])).toMatchObject([{ status: "created" }]);
  return submission;
}

describe("a run begins packed", () => {
  it("but not with a long input, a time of its own, or a later start", async () => {
    const forms = [
      submissionOf(single(), "x".repeat(1_022)),
      submissionOf(diamond(), null),
      submissionOf(single(), "x".repeat(1_023)),
      submissionOf(single(), null, { input: '"\u001e"' }),
      submissionOf(single(), null, { keepMs: 1_000 }),
      submissionOf(single(), null, { delayMs: 1_000 }),
    ];
    for (const each of forms) await submit(each);
    expect(await Promise.all(forms.map(formOf))).toEqual(["packed", "packed", "own", "own", "own", "own"]);
  });

  it("and stays so to its end, whatever comes too late or astray", async () => {
    const [one, two] = [await submit(submissionOf(single())), await submit(submissionOf(diamond()))];
    const worker = await open();
    const grants = await worker.take(2);
    for (const grant of grants) {
      const astray = { ...grant.lease, fence: 2 };
      await worker.exchange([{ type: "released", lease: astray }]);
      await store.release(worker.session.id, [astray]);
      expect(await worker.fail({ ...grant, lease: astray })).toBe("stale");
    }
    for (const grant of grants) await worker.succeed(grant);
    for (const grant of grants) expect(await worker.fail(grant)).toBe("stale");
    await worker.finish();
    expect(await Promise.all([one, two].map(formOf))).toEqual(["packed", "packed"]);
    expect((await store.getRun(two.id))?.state).toBe("succeeded");
  });

  it("and leaves that form with a value that is too large, or with too many of them", async () => {
    const [large, many] = [
      await submit(submissionOf(chain(2))),
      await submit(submissionOf(chain(LENGTH), "x".repeat(1_000))),
    ];
    const worker = await open();
    const of = (grants: readonly Grant[], { id }: Submission) =>
      grants.find(({ lease }) => lease.run === id) as Grant;
    const first = await worker.take(2);
    await worker.succeed(of(first, large), "y".repeat(1_023));
    await worker.succeed(of(first, many), "y".repeat(1_022));
    expect([await formOf(large), await formOf(many)]).toEqual(["own", "packed"]);
    await worker.finish();
    expect(await formOf(many)).toBe("own");
  });

  it("but for one whose kind has the name of another", async () => {
    const first = await submit(submissionOf(single()));
    const [name] = await raw.hkeys(`${P}kinds`);
    const text = await raw.hget(`${P}kinds`, name as string);
    await (await open()).finish();
    await raw.hset(`${P}kinds`, name as string, `${text}~`);
    const second = await submit(submissionOf(single(), 2));
    expect([await formOf(first), await formOf(second)]).toEqual(["packed", "own"]);
    await (await open()).finish();
    expect((await store.getRun(second.id))?.state).toBe("succeeded");
  });

  it("but for one whose steps another version has packed otherwise", async () => {
    const plan = chain(2);
    const [first, second] = [submissionOf(plan, 1), submissionOf(plan, 2)];
    const items = second.entries.items.map((spec) => ({ ...spec, queue: "elsewhere" }));
    await submit(first);
    await submit({ ...second, entries: { items } });
    expect([await formOf(first), await formOf(second)]).toEqual(["packed", "own"]);
    const worker = await open();
    expect((await worker.take(5)).map(({ lease }) => lease.run)).toEqual([first.id]);
    const { grants } = await worker.exchange([], { slots: 5, queues: ["elsewhere"] });
    expect(grants.map(({ lease }) => lease.run)).toEqual([second.id]);
    expect(await store.getStep(second.id, "s1")).toMatchObject({ queue: "elsewhere", state: "running" });
  });
});

describe("a plan that lost the spec of a step", () => {
  it.each(["packed", "own"])(
    "costs its own runs their turn, not others that stand in the same line (%s)",
    async (form) => {
      const broken = submissionOf(single(), form === "packed" ? null : "x".repeat(1_023));
      await submit(broken);
      const others = [await submit(submissionOf(diamond())), await submit(submissionOf(chain(2)))];
      expect(await formOf(broken)).toBe(form);
      const plan = keysOf("main").plan(broken.plan);
      const spec = (await raw.hget(plan, "$a")) as string;
      await raw.hdel(plan, "$a");
      const worker = await open();
      expect((await worker.take(5)).map(({ lease }) => lease.run)).toEqual(others.map(({ id }) => id));
      expect((await checkAll(store)).map(({ kind }) => kind)).toContain("record-broken");
      await raw.hset(plan, "$a", spec);
      await checkAll(store, { repair: true });
      expect((await worker.take(5)).map(({ lease }) => lease.run)).toEqual([broken.id]);
    },
  );
});

describe("what packed runs leave behind", () => {
  it("is one lease in the form of the run, when a single is unpacked while it is held", async () => {
    const run = await submit(submissionOf(single()));
    const worker = await open();
    const [grant] = (await worker.take()) as [Grant];
    expect(await raw.smembers(`${P}held:${worker.session.id}`)).toEqual([run.id]);
    expect(await raw.hkeys(`${P}progress`)).toEqual([run.id]);
    await store.cancel(run.id);
    expect(await raw.smembers(`${P}held:${worker.session.id}`)).toEqual([`${run.id}|a|1`]);
    expect(await raw.exists(`${P}progress`)).toBe(0);
    await worker.succeed(grant);
    expect(await raw.exists(`${P}held:${worker.session.id}`)).toBe(0);
  });

  it("is an id for a day, and nothing of its kind beyond its plan, which may come again", async () => {
    const all = { ageMs: 0, count: 0 };
    for (let n = 0; n < 2; n++) {
      const runs = [
        await submit(submissionOf(single(), n)),
        await submit(submissionOf(single(), n, { priority: 7 })),
      ];
      await (await open()).finish();
      expect([await raw.hlen(`${P}kinds`), await raw.hlen(`${P}progress`)]).toEqual([2, 2]);
      await store.purge({ succeeded: all, failed: all, cancelled: all }, 500);
      expect(await Promise.all(runs.map(formOf))).toEqual(["own", "own"]);
      expect(await raw.exists(`${P}packed`, `${P}progress`, `${P}kinds`)).toBe(0);
      expect(await store.getRun((runs[0] as Submission).id)).toMatchObject({
        purged: true,
        state: "succeeded",
      });
      clock.advance(86_400_001);
    }
    await store.purge({ succeeded: all, failed: all, cancelled: all }, 500);
    expect(await raw.keys(`${P}run:*`)).toEqual([]);
  });
});
