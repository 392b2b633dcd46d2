import { connect } from "jobbers";
import { type Figure, percentile, type Scenario, timeMs } from "../../scenario.js";
import { openGun } from "../load.js";
import type { HttpPlace } from "../place.js";
import { startApi } from "../server-process.js";
import { fillStore, RARE, SELDOM } from "./fill.js";

const TIMES = 300;
const PAGE = 50;

/** Lists runs over HTTP while the store keeps a million that have ended. */
export const listing: Scenario<HttpPlace> = {
  name: "GET /v1/runs",
  what:
    `pages of ${PAGE} while the store keeps 1,000,000 ended runs, ${TIMES} requests one after the other, each for the page behind the ` +
    `last; 1 in ${RARE} failed, 1 in ${SELDOM} has the name and the tag that are asked for; a filter's page may be short`,
  async measure({ url }, scale) {
    await fill(url, Math.max(4 * RARE, Math.ceil(1_000_000 * scale)));
    await using server = await startApi(url);
    const figures: Figure[] = [];
    for (const [name, query] of await queriesFor(server.url)) {
      const samples = await walk(server.url, query);
      figures.push(
        { name: `${name}, p50`, value: percentile(samples, 50), unit: "ms" },
        { name: `${name}, p99`, value: percentile(samples, 99), unit: "ms", target: { atMost: 50 } },
      );
    }
    return figures;
  },
};

async function fill(url: string, runs: number): Promise<void> {
  await using jobbers = await connect(url);
  await fillStore(jobbers, runs);
}

interface Page {
  readonly runs: readonly { readonly createdAt: string }[];
  readonly next?: string;
}

/** What is asked for; the window is a second in the middle of the time in which the runs were submitted. */
async function queriesFor(url: string): Promise<(readonly [string, string])[]> {
  await using gun = openGun({ url, connections: 1, status: 200, shot: () => page("") });
  const newest = Date.parse(
    ((JSON.parse(await gun.shoot(0)) as Page).runs[0] as { createdAt: string }).createdAt,
  );
  const { dags } = (await (await fetch(`${url}/v1/dags`)).json()) as { dags: { registeredAt: string }[] };
  const middle = (Date.parse((dags[0] as { registeredAt: string }).registeredAt) + newest) / 2;
  const iso = (ms: number) => new Date(ms).toISOString();
  const window = `&after=${iso(middle - 1_000)}&before=${iso(middle)}`;
  return [
    ["all", ""],
    ["all, from the middle on", `&before=${iso(middle)}`],
    ["state=failed", "&state=failed"],
    ["one of two tasks", "&task=seldom"],
    ["a tag", "&tag=blue"],
    ["a tag that nothing has", "&tag=none"],
    ["one second", window],
    ["all filters at once", `${window}&state=succeeded&task=seldom&tag=blue`],
  ];
}

/** How long page after page takes; behind the last one it begins again. */
async function walk(url: string, query: string): Promise<number[]> {
  let next: string | undefined;
  await using gun = openGun({ url, connections: 1, status: 200, shot: () => page(query, next) });
  const samples: number[] = [];
  for (let n = 0; n < TIMES; n++) {
    samples.push(
      await timeMs(async () => {
        ({ next } = JSON.parse(await gun.shoot(n)) as Page);
      }),
    );
  }
  return samples;
}

const page = (query: string, cursor?: string) =>
  ({
    method: "GET",
    path: `/v1/runs?limit=${PAGE}${query}${cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
  }) as const;
