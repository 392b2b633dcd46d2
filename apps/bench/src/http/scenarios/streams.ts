import { setMaxListeners } from "node:events";
import { connect } from "jobbers";
import { Agent, request } from "undici";
import { submitRunsTo } from "../../redis/ours.js";
import { startProcess } from "../../redis/worker-process.js";
import type { Scenario } from "../../scenario.js";
import { noop } from "../../scenarios/workflows.js";
import type { HttpPlace } from "../place.js";
import { startApi } from "../server-process.js";
import { register } from "./submit.js";

const CLIENTS = 500;

/** Works through steps while many clients follow events, each those of a run of its own. */
export const streams: Scenario<HttpPlace> = {
  name: "GET /v1/runs/{id}/events",
  what:
    `no-op steps of one worker process at concurrency 100, with ${CLIENTS} clients of the server's event streams, each watching ` +
    "a run that waits, against none; the server runs in both cases, and nobody tidies up",
  async measure({ store, url }, scale) {
    const steps = Math.ceil((store === "redis" ? 100_000 : 20_000) * scale);
    await register(url);
    await using server = await startApi(url);
    // The first drain warms the store up.
    await drain(url, steps);
    const alone = await drain(url, steps);
    await using _clients = await openStreams(server.url, await waitingRuns(url));
    const watched = await drain(url, steps);
    return [
      { name: "without clients", value: alone, unit: "steps/s" },
      { name: `with ${CLIENTS}`, value: watched, unit: "steps/s" },
      { name: "throughput kept", value: (watched / alone) * 100, unit: "%", target: { atLeast: 90 } },
    ];
  },
};

async function drain(url: string, steps: number): Promise<number> {
  await using jobbers = await connect(url);
  await submitRunsTo(jobbers, noop, steps);
  await using worker = await startProcess("jobbers", { url, concurrency: 100, steps, keepsAll: true });
  await worker.go();
  const { fromMs, atMs } = await worker.told("done");
  return (steps / (atMs - fromMs)) * 1000;
}

/** Runs that do not begin before the scenario is over. */
async function waitingRuns(url: string): Promise<string[]> {
  await using jobbers = await connect(url);
  const items = Array.from({ length: CLIENTS }, (_, n) => ({ input: { n }, delay: "1h" as const }));
  return (await jobbers.submitMany(noop, items)).map(({ id }) => id);
}

/** Opens a stream for each run, and reads its beginning. */
async function openStreams(url: string, runs: readonly string[]): Promise<AsyncDisposable> {
  const agent = new Agent({ connections: null, bodyTimeout: 0 });
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  const open = async (run: string) => {
    const answer = await request(`${url}/v1/runs/${run}/events`, {
      dispatcher: agent,
      signal: leaving.signal,
    });
    if (answer.statusCode !== 200) throw new Error(`a stream was answered ${answer.statusCode}`);
    const stream = answer.body.on("error", () => undefined);
    await new Promise((resolve) => stream.once("data", resolve));
    stream.resume();
  };
  await Promise.all(runs.map(open));
  return {
    async [Symbol.asyncDispose]() {
      leaving.abort();
      await agent.destroy();
    },
  };
}
