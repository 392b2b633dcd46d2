import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { task } from "@jobbers/core";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { createWorker } from "@jobbers/worker";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { type Api, createApi } from "../src/index.js";

const noop = task({ name: "noop", run: async () => null });

async function openApi(): Promise<Api> {
  const store = await openSqliteStore("memory:");
  const api = createApi({ store });
  // Once there, it is registered.
  const worker = createWorker({ store, workflows: [noop] });
  await worker.start();
  onTestFinished(async () => {
    await worker.stop({ giveBack: true });
    await api.close();
    await store.close();
  });
  return api;
}

const submission = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ task: "noop" }),
};

test("the API answers beside the routes of somebody else's Hono app", async () => {
  const api = await openApi();
  const app = new Hono();
  app.get("/", (context) => context.text("mine"));
  app.mount("/", (request) => api.fetch(request));
  expect(await (await app.request("http://localhost/")).text()).toBe("mine");
  expect((await app.request("http://localhost/v1/runs", submission)).status).toBe(201);
});

test("the API answers under a prefix, and where it says that the run is, it is", async () => {
  const api = await openApi();
  const app = new Hono().mount("/jobs", (request) => api.fetch(request));
  const answer = await app.request("http://localhost/jobs/v1/runs", submission);
  expect(answer.status).toBe(201);
  const place = new URL(answer.headers.get("location") as string, "http://localhost/jobs/v1/runs");
  expect((await app.request(place.href)).status).toBe(200);
});

test("the API answers beside the routes of a plain server of Node.js", async () => {
  const api = await openApi();
  const listener = getRequestListener(api.fetch);
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/v1/")) void listener(request, response);
    else response.end("mine");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await (await fetch(url)).text()).toBe("mine");
  expect((await fetch(`${url}/v1/runs`, submission)).status).toBe(201);
});
