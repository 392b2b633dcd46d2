import { readFileSync } from "node:fs";
import { durationBucket, type Grant } from "@jobbers/core";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { openDriver, samplePlans } from "@jobbers/testing";
import { expect, it } from "vitest";
import { forever, useStage } from "./explain-stage.js";

const page = readFileSync(new URL("../../../docs/guides/running-workers.md", import.meta.url), "utf8");
const { diamond, mapped, single } = samplePlans;

const on = useStage((clock) => openSqliteStore("memory:", { clock, expireMemorySessions: true }));
const { submit, worker, why } = on;

const mail = single({ queue: "mail", retry: { attempts: 5, delayMs: 1_000 } });

/** Ten causes, each with its story; what is told of them stands in the guide as `jobbers explain` prints it. */
const stories: Readonly<Record<string, () => Promise<string>>> = {
  "a queue that nobody serves": async () => {
    for (let n = 0; n < 12; n++) await submit(mail);
    return submit(mail);
  },
  "a task that no worker knows": async () => {
    await openDriver(on.store, { ...forever, worker: "crawler-1", serves: ["crawl"], queues: ["mail"] });
    return submit(mail);
  },
  "a line before it": async () => {
    await worker(mail, forever);
    for (let n = 0; n < 1_204; n++) await submit(mail);
    return submit(mail);
  },
  "it runs": async () => {
    const run = await submit(single());
    const one = await worker(single(), { worker: "crawler-1", leaseMs: 15_000 });
    const [{ lease }] = (await one.take()) as [Grant];
    on.clock.advance(12_000);
    const beats = [{ lease, at: "parsing", rest: '{"done":340,"total":1000}', agoMs: 0, forMs: 5_000 }];
    const durations = [{ task: "a", counts: { [durationBucket(30_000)]: 20 } }];
    await on.store.renew(one.session.id, {
      lagMs: 0,
      bulletin: { seq: 1, slots: 1, running: 1, beats, durations },
    });
    return run;
  },
  "its worker is silent": async () => {
    const run = await submit(single());
    const one = await worker(single(), { worker: "crawler-1", leaseMs: 15_000 });
    await on.store.reapSessions({ sweepMs: 5_000, limit: 10 });
    await one.take();
    on.clock.advance(19_000);
    await worker(single(), forever);
    return run;
  },
  "a pause between two tries": async () => {
    const run = await submit(mail);
    const one = await worker(mail, forever);
    const [grant] = (await one.take()) as [Grant];
    await one.retry(grant, 30_000);
    return run;
  },
  "it is scheduled": () => submit(single(), null, { delayMs: 5_400_000 }),
  "a map that goes on": async () => {
    const run = await submit(mapped(), { list: Array.from({ length: 40 }, (_, n) => n) });
    const one = await worker(mapped(), { ...forever, worker: "crawler-1" });
    for (const grant of await one.takeControl()) await one.control(grant);
    for (const grant of (await one.take(7)).slice(0, 5)) await one.succeed(grant);
    return run;
  },
  "it is being cancelled": async () => {
    const run = await submit(single());
    await (await worker(single(), { ...forever, worker: "crawler-1" })).take();
    on.clock.advance(3_000);
    await on.store.cancel(run);
    return run;
  },
  "another step has failed": async () => {
    const run = await submit(diamond());
    const one = await worker(diamond(), { ...forever, worker: "crawler-1" });
    await one.succeed((await one.take())[0] as Grant);
    await one.fail((await one.take(2))[0] as Grant, "the mail server hung up");
    on.clock.advance(4_000);
    return run;
  },
};

it.each(Object.keys(stories))("the guide says what is told where the cause is this: %s", async (cause) => {
  const run = await (stories[cause] as () => Promise<string>)();
  const { sentence } = await why(run);
  // The id of each run is its own.
  const told = sentence.replaceAll(run, "01KADGN2Q7ZJ4M3V8XW5T9R6BC");
  expect(page.split("\n").find((line) => line.startsWith(`| ${cause} | `))).toBe(`| ${cause} | ${told} |`);
});

it("the guide lists no other causes", () => {
  const [, table = ""] = page.split("| cause | what it says |\n");
  const rows = (table.split("\n\n")[0] ?? "").split("\n").slice(1);
  expect(rows.map((row) => row.split(" | ")[0]?.slice(2))).toEqual(Object.keys(stories));
});
