import { createRunIds } from "@jobbers/core";

/**
 * Makes a run id, a ULID that sorts after all that this process made before it, so that a program knows the id before it submits.
 *
 * @example
 * const id = ulid();
 * await jobbers.submit(crawl, { sitemap }, { id }); // sent again with the same id, it is still one run
 */
export const ulid: () => string = createRunIds(Date.now);
