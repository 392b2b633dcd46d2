import { dag, hash } from "jobbers";
import { z } from "zod";
import { addSizes, fetchPage, hostOf, readIndex } from "./tasks.js";

/** The queues that the pages are spread over. */
export const queues = ["crawl-a", "crawl-b"] as const;

/** Fetches all pages that an index lists, those of a host from one queue, and answers how much text that is. */
export const crawl = dag("crawl", { input: z.object({ index: z.url() }) }, ({ index }) => {
  const pages = readIndex({ index }).map((url) => fetchPage({ url }), { spread: hash(hostOf, queues) });
  return addSizes({ pages });
});
