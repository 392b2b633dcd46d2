// Crawls a site that it serves itself, politely: npm run build && node apps/examples/dist/polite-crawler/main.js
import type { SpreadSummary } from "jobbers";
import {
  defineCommand,
  EXIT_OTHERWISE,
  executeRun,
  runCommand,
  sharedFlags,
  showDuration,
  table,
  withStore,
} from "jobbers/cli";
import { crawl, queues } from "./dag.js";
import { type HostReport, startSite } from "./site.js";

const HOSTS = 6;
const PAGES = 20;

/** A rate counts when a step is handed to a worker, which may begin it up to 50 ms later: so much shorter is the second here. */
const WINDOW_MS = 950;

const crawler = defineCommand({
  name: "--",
  description: "Serves a little site on loopback, and crawls it with two workers that share its limits",
  args: {
    ...sharedFlags,
    store: { ...sharedFlags.store, description: "sqlite:PATH or redis://HOST (default: memory:)" },
  },
  examples: ["node apps/examples/dist/polite-crawler/main.js --store redis://127.0.0.1:6379"],
  async run({ args, output }) {
    return withStore({ ...args, store: args.store ?? "memory:" }, async (jobbers) => {
      await using site = await startSite({ hosts: HOSTS, pages: PAGES });
      const [queue, otherQueue] = queues;
      const workflows = [crawl];
      await using worker = jobbers.worker({ workflows, queues: ["default", queue], name: queue });
      await using other = jobbers.worker({ workflows, queues: [otherQueue], name: otherQueue });
      await other.start();
      const beganAt = performance.now();
      const run = await jobbers.submit(crawl, { index: site.index });
      const executed = await executeRun({ run, worker, output });
      if (executed.status === "interrupted") {
        // The site goes with this process, so nobody could go on.
        await run.cancel();
        return EXIT_OTHERWISE;
      }
      const { pages, bytes } = executed.result;
      const took = showDuration(performance.now() - beganAt);
      const hosts = site.report(WINDOW_MS);
      const spreads = (await run.progress()).flatMap(({ spread }) => spread ?? []);
      output.print(`${pages} pages, ${bytes.toLocaleString("en-US")} bytes, in ${took}\n`);
      output.print(hostTable(hosts));
      output.print(spreads.map(queueTable).join("\n"));
      output.printJson({ pages, bytes, hosts, spreads });
      return 0;
    });
  },
});

/** What the hosts saw; the tasks' limits allow ten a second, and two at once. */
function hostTable(hosts: readonly HostReport[]): string {
  return table(
    ["host", "pages", "most in a second", "most at once"],
    hosts.map(({ host, pages, mostWithin, mostAtOnce }) => [
      host,
      ...[pages, mostWithin, mostAtOnce].map(String),
    ]),
  );
}

function queueTable({ queues, skew }: SpreadSummary): string {
  const rows = queues.map(({ queue, count, share }) => [
    queue,
    String(count),
    `${Math.round(share * 100)} %`,
  ]);
  return `\n${table(["queue", "pages", "share"], rows)}\nskew ${skew?.toFixed(2)} (1 is perfect, ${queues.length} is all in one)`;
}

await runCommand("polite-crawler", crawler, process.argv.slice(2));
