import { createRunIds } from "@jobbers/core";
import { connect } from "jobbers";
import { type Figure, percentile, type Scenario } from "../../scenario.js";
import { noop } from "../../scenarios/workflows.js";
import { pace, saturate, type Target } from "../load.js";
import type { HttpPlace } from "../place.js";
import { startBare, startServer } from "../server-process.js";

const CONNECTIONS = 64;
const LEAST_PERCENT = { redis: 40, sqlite: 25 };

/** Submits single runs over HTTP, each with an id of its own. */
export const submit: Scenario<HttpPlace> = {
  name: "POST /v1/runs",
  what:
    `one run a request, ${CONNECTIONS} connections, one server process, no worker, against a bare Hono app that only parses and ` +
    "validates the same body; latency from when a request was due, at half the rate that was reached",
  async measure({ store, url }, scale) {
    const [warmMs, countedMs] = [2_000, 5_000].map((ms) => Math.max(300, ms * scale)) as [number, number];
    await register(url);
    const bare = await withBare((target) => saturate(target, warmMs, countedMs));
    await using server = await startServer(url);
    const target = { ...shots, url: server.url };
    const ours = await saturate(target, warmMs, countedMs);
    const latencies = await pace(target, ours / 2, countedMs);
    const figures: Figure[] = [
      { name: "Jobbers", value: ours, unit: "requests/s" },
      { name: "bare Hono", value: bare, unit: "requests/s" },
      {
        name: "share of bare Hono",
        value: (ours / bare) * 100,
        unit: "%",
        target: { atLeast: LEAST_PERCENT[store] },
      },
      { name: "p50 at half load", value: percentile(latencies, 50), unit: "ms" },
      { name: "p99 at half load", value: percentile(latencies, 99), unit: "ms", target: { atMost: 20 } },
    ];
    return figures;
  },
};

const nextId = createRunIds(Date.now);

const shots: Omit<Target, "url"> = {
  connections: CONNECTIONS,
  status: 201,
  shot: (n) => ({
    method: "POST",
    path: "/v1/runs",
    body: JSON.stringify({ id: nextId(), task: noop.name, input: { n }, priority: 5, tags: ["bench"] }),
  }),
};

async function withBare<T>(act: (target: Target) => Promise<T>): Promise<T> {
  await using server = await startBare();
  return await act({ ...shots, url: server.url });
}

/** Lets a worker register its tasks, so that the server knows them. */
export async function register(url: string): Promise<void> {
  await using jobbers = await connect(url);
  const worker = jobbers.worker({ workflows: [noop] });
  await worker.start();
  await worker.stop();
}
