import type { LogLine, LogPageView } from "@jobbers/api";
import { follow } from "./follow.js";
import { inMs } from "./instants.js";
import type { LogOptions, LogRecord } from "./run-types.js";
import type { Transport } from "./transport.js";

const PAGE = 500;

/** The log of a run; with `follow`, over any number of connections. */
export async function* logsOf(
  transport: Transport,
  path: string,
  { step, level, follow: isFollowed, signal }: LogOptions,
): AsyncGenerator<LogRecord> {
  if (!isFollowed) {
    let after: string | undefined;
    for (let more = true; more; ) {
      const query = { step, level, after, limit: PAGE };
      const page: LogPageView = await transport.json({ path, query, signal });
      for (const line of page.lines) yield inMs(line);
      after = page.next;
      more = page.more;
    }
    return;
  }
  for await (const message of follow(transport, { path: `${path}/stream`, query: { step, level }, signal })) {
    // Where it never got a line, it begins anew: nothing is missed.
    if (message === "missed") continue;
    if (message === "over" || message.event === "end") return;
    if (message.event !== "lines") continue;
    const { lines } = JSON.parse(message.data) as { readonly lines: readonly LogLine[] };
    for (const line of lines) yield inMs(line);
  }
}
