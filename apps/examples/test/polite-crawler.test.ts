import { fileURLToPath } from "node:url";
import { connect } from "jobbers";
import { describe, expect, it } from "vitest";
import { crawl, queues } from "../src/polite-crawler/dag.js";
import { startSite } from "../src/polite-crawler/site.js";
import { start } from "./child-process.js";
import { temporaryFolder } from "./fixture-project.js";
import { startRedis } from "./redis-server.js";

const program = fileURLToPath(new URL("../dist/polite-crawler/main.js", import.meta.url));
const HOSTS = 4;
const PAGES = 14;

/**
 * A rate counts when a step is handed to a worker, and a worker may begin it up to 50 ms later: the site may see eleven starts of a
 * second in 950 ms. The rest is for a machine on which a request takes its time to arrive. Without a rate, 14 come in half of it.
 */
const WINDOW_MS = 700;

const stores: [string, () => Promise<string>][] = [
  ["memory", async () => "memory:"],
  ["Redis", startRedis],
];

describe("the polite crawler", () => {
  it.each(stores)(
    "with two workers on %s, asks each host for no more than its limits allow, and once for each page",
    async (_, urlOf) => {
      await using site = await startSite({ hosts: HOSTS, pages: PAGES });
      await using jobbers = await connect(await urlOf());
      const workflows = [crawl];
      await using one = jobbers.worker({ workflows, queues: ["default", queues[0]], name: "one" });
      await using other = jobbers.worker({ workflows, queues: [queues[1]], name: "other" });
      await Promise.all([one.start(), other.start()]);

      const run = await jobbers.submit(crawl, { index: site.index });
      expect(await run.result()).toMatchObject({ pages: HOSTS * PAGES });

      const reports = site.report(WINDOW_MS);
      expect(reports).toHaveLength(HOSTS);
      for (const { host, requests, pages, mostWithin, mostAtOnce } of reports) {
        expect({ requests, pages }, host).toEqual({ requests: PAGES, pages: PAGES });
        expect(mostWithin, `${host}: requests in ${WINDOW_MS} ms`).toBeLessThanOrEqual(10);
        expect(mostAtOnce, `${host}: requests at once`).toBeLessThanOrEqual(2);
      }
      const spreads = (await run.progress()).flatMap(({ spread }) => spread ?? []);
      expect(spreads).toMatchObject([{ by: "hash", count: HOSTS * PAGES }]);
      // A host is in one queue with all its pages.
      for (const { count } of spreads[0]?.queues ?? []) expect(count % PAGES).toBe(0);
    },
    60_000,
  );

  it("tells what the hosts saw, and how well the queues share the pages", async () => {
    const crawler = start([program], await temporaryFolder());
    expect(await crawler.ended, crawler.said()).toBe(0);
    const said = crawler.said();
    expect(said).toMatch(/^120 pages, [\d,]+ bytes, in [\d.]+s$/m);
    expect(said).toMatch(/^host +pages +most in a second +most at once$/m);
    expect(said.match(/^127\.0\.0\.1:\d+ +20 +\d+ +[12]$/gm)).toHaveLength(6);
    const shares = Array.from(said.matchAll(/^crawl-[ab] +(\d+) +\d+ %$/gm), ([, pages]) => Number(pages));
    expect(shares).toHaveLength(2);
    const skew = (Math.max(...shares) / 60).toFixed(2);
    expect(said).toContain(`skew ${skew} (1 is perfect, 2 is all in one)`);
  }, 60_000);
});
