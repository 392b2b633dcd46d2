import { concurrency, rate, Terminal, task } from "jobbers";
import { z } from "zod";

/** Who shares a limit and a queue: the pages of a host, with its port. */
export const hostOf = (url: string): string => new URL(url).host;

const key = ({ url }: { url: string }) => hostOf(url);

/** The addresses that a site's index lists. */
export const readIndex = task({
  name: "read-index",
  input: z.object({ index: z.url() }),
  output: z.array(z.url()),
  run: async ({ index }, { signal }): Promise<string[]> => JSON.parse(await textOf(index, signal)),
});

/** Fetches a page; of each host ten a second, and two at once, however many workers there are. */
export const fetchPage = task({
  name: "fetch-page",
  input: z.object({ url: z.url() }),
  limits: [rate({ limit: 10, per: "1s", key }), concurrency({ limit: 2, key })],
  async run({ url }, { signal }) {
    return { url, bytes: Buffer.byteLength(await textOf(url, signal)) };
  },
});

/** Adds up how large the pages are. */
export const addSizes = task({
  name: "add-sizes",
  input: z.object({ pages: z.array(z.object({ url: z.url(), bytes: z.number() })) }),
  run: async ({ pages }) => ({
    pages: pages.length,
    bytes: pages.reduce((sum, { bytes }) => sum + bytes, 0),
  }),
});

async function textOf(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal });
  // Another try would not bring it back; it may where something else is wrong.
  if (response.status === 404 || response.status === 410) throw new Terminal(`there is no ${url}`);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}
