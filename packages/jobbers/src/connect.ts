import { createFeed } from "./feed.js";
import { createJobbers, type Jobbers } from "./jobbers.js";
import { openStore } from "./open-store.js";

/**
 * Connects to a store.
 *
 * @param url `sqlite:PATH` (the file and its directory are made where they do not exist) or `memory:` (for this process only)
 * @throws JobbersError `store-url-invalid`, `store-not-a-database`, `store-too-new`, `store-busy`
 * @example
 * await using jobbers = await connect("sqlite:./jobs.db");
 * const run = await jobbers.submit(crawl, { sitemap: "https://example.org/sitemap.xml" });
 * console.log(await run.result());
 */
export async function connect(url: string): Promise<Jobbers> {
  const store = await openStore(url);
  return createJobbers({ store, feed: createFeed(store) });
}
