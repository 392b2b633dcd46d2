import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { RunQuery } from "@jobbers/core";
import { connect, type Jobbers, task } from "jobbers";
import { z } from "zod";
import { type Figure, percentile, type Scenario, timeMs } from "../scenario.js";

/** One in so many runs has the name or the tag that is asked for; one in so many fails. */
const SELDOM = 100;
const RARE = 1_000;

const PAGE = 50;
const CALLS = 300;
const BATCH = 500;

const steady = (name: string) =>
  task({
    name,
    input: z.object({ n: z.number() }),
    retry: { attempts: 1 },
    async run({ n }) {
      if (n % RARE === 0) throw new Error("one in a thousand");
      return n;
    },
  });
const [common, seldom] = [steady("common"), steady("seldom")];

export const what =
  `pages of ${PAGE} out of 1,000,000 ended runs, with nothing else to do: 1 in ${RARE} failed, 1 in ${SELDOM} has the name and ` +
  "the tag that are asked for; a filter's call may answer a short page and where it goes on";

/** Listing runs of a file. */
export const listing: Scenario = {
  name: "listing",
  what,
  measure: (folder, scale) => measureListing(`sqlite:${join(folder, "bench.db")}`, scale),
};

/** Fills a store with ended runs, and lists them in every way. */
export async function measureListing(url: string, scale: number): Promise<Figure[]> {
  await using jobbers = await connect(url);
  await fillStore(jobbers, Math.max(4 * RARE, Math.ceil(1_000_000 * scale)));
  return await measureLists(jobbers);
}

/** Lists the runs of a store that was filled so, in every way. */
export async function measureLists(jobbers: Jobbers): Promise<Figure[]> {
  const newest = (await jobbers.store.listRuns({ limit: 1 })).runs[0]?.createdAtMs as number;
  const middle = await middleOf(jobbers, newest);
  const deep = await jobbers.store.listRuns({ limit: 1, createdBeforeMs: middle });
  const window = { createdAfterMs: middle - 1_000, createdBeforeMs: middle };
  const cases: readonly (readonly [string, Omit<RunQuery, "limit">, "first" | "next"])[] = [
    ["first page", {}, "first"],
    ["deep inside", { cursor: deep.next }, "next"],
    ["state=failed", { state: "failed" }, "next"],
    ["name", { name: "seldom" }, "next"],
    ["tag", { tag: "blue" }, "next"],
    ["a name that nothing has", { name: "absent" }, "next"],
    ["a second in the middle", window, "next"],
    ["all filters", { ...window, state: "succeeded", name: "seldom", tag: "blue" }, "next"],
  ];
  const figures: Figure[] = [];
  for (const [name, query, pages] of cases)
    figures.push(...(await measurePages(jobbers, name, query, pages)));
  return figures;
}

/** Calls for page after page, or for the same one. */
async function measurePages(
  { store }: Jobbers,
  name: string,
  query: Omit<RunQuery, "limit">,
  pages: "first" | "next",
): Promise<Figure[]> {
  const samples: number[] = [];
  let cursor = query.cursor;
  let listed = 0;
  for (let call = 0; call < CALLS; call++) {
    samples.push(
      await timeMs(async () => {
        const page = await store.listRuns({ ...query, cursor, limit: PAGE });
        listed += page.runs.length;
        if (pages === "next") cursor = page.next ?? query.cursor;
      }),
    );
  }
  return [
    { name: `${name}, p50`, value: percentile(samples, 50), unit: "ms" },
    { name: `${name}, p99`, value: percentile(samples, 99), unit: "ms", target: { atMost: 50 } },
    { name: `${name}, in a page`, value: listed / CALLS, unit: "runs" },
  ];
}

/** When half of the runs were submitted. */
async function middleOf({ store }: Jobbers, newest: number): Promise<number> {
  const { registeredAtMs } = (await store.listRegistrations())[0] as { registeredAtMs: number };
  return Math.round((registeredAtMs + newest) / 2);
}

/** Submits runs and works through them. */
export async function fillStore(jobbers: Jobbers, runs: number): Promise<void> {
  const forever = { ageMs: 86_400_000, count: 10 * runs };
  const retention = { succeeded: forever, failed: forever, cancelled: forever };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const worker = jobbers.worker({ workflows: [common, seldom], concurrency: 200, retention, log });
  await worker.start();
  for (let from = 0; from < runs; from += BATCH) {
    const numbers = Array.from({ length: BATCH }, (_, i) => from + i);
    const items = (wanted: boolean) =>
      numbers
        .filter((n) => (n % SELDOM === 1) === wanted)
        .map((n) => ({ input: { n }, ...(wanted && { tags: ["blue"] }) }));
    const answers = [
      ...(await jobbers.submitMany(common, items(false))),
      ...(await jobbers.submitMany(seldom, items(true))),
    ];
    const refused = answers.find(({ status }) => status !== "created");
    if (refused) throw new Error(`a run was not created: ${JSON.stringify(refused)}`);
    // Some thousands wait at a time: more would only take room.
    while ((await waiting(jobbers)) > 20_000) await pause(20);
  }
  while ((await waiting(jobbers)) > 0) await pause(20);
  await worker.stop();
}

async function waiting({ store }: Jobbers): Promise<number> {
  return (await store.listQueues()).reduce((sum, { ready, running }) => sum + ready + running, 0);
}
