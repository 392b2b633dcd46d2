import type { RunPage } from "@jobbers/api";
import type { RunState } from "@jobbers/core";
import { statusIn } from "./reading.js";
import type { RunStatus } from "./run-types.js";
import type { Transport } from "./transport.js";

/** Which runs are listed; what is left out does not matter. */
export interface RunFilter {
  readonly state?: RunState | undefined;
  /** Only runs of this dag. */
  readonly dag?: string | undefined;
  /** Only runs of this task by itself. */
  readonly task?: string | undefined;
  readonly tag?: string | undefined;
  /** Only runs that were submitted at this moment (milliseconds since 1970, or a Date) or later. */
  readonly after?: number | Date | undefined;
  /** Only runs that were submitted before this moment. */
  readonly before?: number | Date | undefined;
  /** How many a page has, 1 to 200; default 100. */
  readonly pageSize?: number | undefined;
}

/** Reads runs, newest first, page by page as they are taken. */
export async function* listRuns(transport: Transport, filter: RunFilter): AsyncGenerator<RunStatus> {
  const { after, before, pageSize = 100, ...rest } = filter;
  let cursor: string | undefined;
  do {
    const query = { ...rest, after: instantOf(after), before: instantOf(before), limit: pageSize, cursor };
    const page: RunPage = await transport.json({ path: "/v1/runs", query });
    for (const run of page.runs) yield statusIn(run);
    cursor = page.next;
  } while (cursor !== undefined);
}

/** An instant as the API takes it. */
export function instantOf(moment: number | Date | undefined): string | undefined {
  return moment === undefined ? undefined : new Date(moment).toISOString();
}
