import { createRunIds } from "@jobbers/core";
import { request } from "undici";
import { type Scenario, timeMs } from "../../scenario.js";
import { noop } from "../../scenarios/workflows.js";
import type { HttpPlace } from "../place.js";
import { startServer } from "../server-process.js";
import { register } from "./submit.js";

const LINES = 10_000;

/** Submits many runs in one request, a line each. */
export const bulk: Scenario<HttpPlace> = {
  name: "POST /v1/runs/bulk",
  what: `single-task runs with ids, ${LINES.toLocaleString("en")} lines a request, one request at a time, no worker; every answer read`,
  async measure({ store, url }, scale) {
    await register(url);
    await using server = await startServer(url);
    const rounds = Math.max(2, Math.ceil(8 * scale));
    const bodies = Array.from({ length: rounds }, linesOf);
    // The first warms the server up.
    await send(server.url, bodies[0] as string);
    const ms = await timeMs(async () => {
      for (const body of bodies.slice(1)) await send(server.url, body);
    });
    const perSecond = (((rounds - 1) * LINES) / ms) * 1000;
    return [
      {
        name: "Jobbers",
        value: perSecond,
        unit: "runs/s",
        target: store === "redis" ? { atLeast: 30_000 } : undefined,
      },
    ];
  },
};

const nextId = createRunIds(Date.now);

function linesOf(): string {
  const lines = Array.from({ length: LINES }, (_, n) =>
    JSON.stringify({ id: nextId(), task: noop.name, input: { n } }),
  );
  return `${lines.join("\n")}\n`;
}

async function send(url: string, body: string): Promise<void> {
  const answer = await request(`${url}/v1/runs/bulk`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body,
  });
  const answers = (await answer.body.text()).trim().split("\n");
  const created = answers.filter((line) => line.includes('"created"')).length;
  if (answer.statusCode !== 200 || created !== LINES)
    throw new Error(`of ${LINES} lines ${created} were created: ${answer.statusCode} ${answers.at(-1)}`);
}
