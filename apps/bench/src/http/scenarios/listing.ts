import { connect } from "jobbers";
import { submitRunsTo } from "../../redis/ours.js";
import type { Scenario } from "../../scenario.js";
import { noop } from "../../scenarios/workflows.js";
import { openGun, percentileOf } from "../load.js";
import type { HttpPlace } from "../place.js";
import { startApi } from "../server-process.js";

const TIMES = 300;

/** Lists runs over HTTP while the store keeps a million that have ended. */
export const listing: Scenario<HttpPlace> = {
  name: "GET /v1/runs",
  what: `pages of 50 while the store keeps 1,000,000 ended runs (times the scale), ${TIMES} requests one after the other`,
  async measure({ url }, scale) {
    await fill(url, Math.ceil(1_000_000 * scale));
    await using server = await startApi(url);
    const figures = [];
    for (const [name, query] of [
      ["first page", ""],
      ["state=succeeded", "&state=succeeded"],
      ["state=failed, of which there are none", "&state=failed"],
      ["of one task", `&task=${noop.name}`],
      ["of a tag that there is not", "&tag=none"],
    ]) {
      await using gun = openGun({
        url: server.url,
        connections: 1,
        status: 200,
        shot: () => ({ method: "GET", path: `/v1/runs?limit=50${query}` }),
      });
      const value = await percentileOf(TIMES, 99, (n) => gun.shoot(n));
      figures.push({ name: `${name}, p99`, value, unit: "ms", target: { atMost: 50 } } as const);
    }
    return figures;
  },
};

/** Fills a store with ended runs. */
async function fill(url: string, runs: number): Promise<void> {
  await using jobbers = await connect(url);
  const retention = { ageMs: Number.POSITIVE_INFINITY, count: Number.POSITIVE_INFINITY };
  await using worker = jobbers.worker({
    workflows: [noop],
    concurrency: 500,
    retention: { succeeded: retention, failed: retention, cancelled: retention },
  });
  await worker.start();
  await submitRunsTo(jobbers, noop, runs);
  const [last] = await jobbers.submitMany(noop, [{ input: { n: 0 } }]);
  if (last?.status !== "created") throw new Error("the last run was not created");
  await last.run.result();
}
