import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What a host of the site has seen of who fetched its pages. */
export interface HostReport {
  readonly host: string;
  readonly requests: number;
  /** How many different pages were asked for. */
  readonly pages: number;
  /** The most requests that arrived in any stretch of time as long as was asked for. */
  readonly mostWithin: number;
  /** The most requests that were being answered at once. */
  readonly mostAtOnce: number;
}

/** A site on some hosts, which are ports of 127.0.0.1. */
export interface Site extends AsyncDisposable {
  /** Where the addresses of all its pages are listed, as JSON. */
  readonly index: string;
  /** What each host has seen so far, and how much of it within any `windowMs` milliseconds. */
  report(windowMs: number): HostReport[];
}

/** How long hosts take for a page, in turn: the first are held back by the rate, the others by how many may be at once. */
const ANSWER_MS = [20, 250];

/** Serves a site of `hosts` hosts with `pages` pages each, until it is disposed of. */
export async function startSite({ hosts, pages }: { hosts: number; pages: number }): Promise<Site> {
  const served: Host[] = [];
  for (let i = 0; i < hosts; i++) served.push(await startHost(ANSWER_MS[i % ANSWER_MS.length] as number));
  const urls = Array.from({ length: pages }, (_, page) =>
    served.map(({ origin }) => `${origin}/pages/${page}`),
  );
  const index = await listen(createServer((_, response) => void response.end(JSON.stringify(urls.flat()))));
  return {
    index: `${index.origin}/`,
    report: (windowMs) => served.map((host) => host.report(windowMs)),
    async [Symbol.asyncDispose]() {
      for (const { close } of [index, ...served]) close();
    },
  };
}

interface Listening {
  readonly origin: string;
  close(): void;
}

interface Host extends Listening {
  report(windowMs: number): HostReport;
}

async function startHost(answerMs: number): Promise<Host> {
  const arrivals: number[] = [];
  const paths = new Set<string>();
  let [atOnce, mostAtOnce] = [0, 0];
  const answer = async (path: string, response: ServerResponse) => {
    arrivals.push(performance.now());
    paths.add(path);
    mostAtOnce = Math.max(mostAtOnce, ++atOnce);
    await sleep(answerMs);
    // Before the answer is sent: who has it may come again at once.
    atOnce--;
    response.end(`<!doctype html><title>${path}</title>${"<p>Text.".repeat(1 + path.length * 10)}`);
  };
  const server = createServer(({ url = "/" }, response) => void answer(url, response));
  const { origin, close } = await listen(server);
  const report = (windowMs: number): HostReport => ({
    ...{ host: new URL(origin).host, requests: arrivals.length, pages: paths.size, mostAtOnce },
    mostWithin: mostWithin(arrivals, windowMs),
  });
  return { origin, close, report };
}

/** The most of these moments, which are in order, that lie in any stretch of that length. */
function mostWithin(moments: readonly number[], windowMs: number): number {
  const counts = moments.map((from, i) => moments.slice(i).filter((at) => at < from + windowMs).length);
  return Math.max(0, ...counts);
}

async function listen(server: Server): Promise<Listening> {
  server.listen(0, "127.0.0.1");
  await new Promise((resolve, reject) => server.once("listening", resolve).once("error", reject));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { origin: `http://127.0.0.1:${port}`, close };
}
