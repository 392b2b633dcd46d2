import { expect, it } from "vitest";
import { createClient } from "../src/index.js";
import { double, openHouse } from "./house.js";

const open = async () => {
  const { fetch, store } = await openHouse();
  return { store, client: createClient({ fetch }) };
};

it("steers a queue", async () => {
  const { client } = await open();
  const queue = client.queue("crawl");
  await expect(queue.read()).rejects.toMatchObject({ code: "queue-unknown" });
  const paused = await queue.pause({ by: "ada" });
  expect(paused).toMatchObject({ name: "crawl", workers: 0, settings: { paused: true, editedBy: "ada" } });
  expect(paused.settings?.editedAtMs).toBeTypeOf("number");
  expect((await queue.drain()).settings).toMatchObject({ paused: true, draining: true });
  expect((await queue.resume()).settings).toMatchObject({ paused: false, draining: false });
  expect((await queue.set({ max: 5 })).settings).toMatchObject({ max: 5, edit: { max: 5 } });
  expect(await queue.read()).toMatchObject({ settings: { max: 5 } });
  expect(await client.queues()).toContainEqual(await queue.read());
});

it("is told that a queue is full, and removes what waits in it", async () => {
  const { client } = await open();
  const queue = client.queue("default");
  await queue.pause();
  await queue.set({ max: 1 });
  const run = await client.submit(double, { n: 1 });
  // When to come again is for the caller to decide.
  await expect(client.submit(double, { n: 2 })).rejects.toMatchObject({
    ...{ code: "queue-full", status: 429, retryAfterMs: 5_000 },
  });
  await expect(queue.obliterate("defualt")).rejects.toMatchObject({ code: "body-invalid" });
  expect(await queue.obliterate("default")).toBe(1);
  await expect(run.result()).rejects.toMatchObject({ code: "run-cancelled" });
});
