import {
  createLogPager,
  LOGGING_ATTEMPTS,
  type LogPage,
  type LogPart,
  type LogQuery,
  noLog,
  packLogPart,
  STEP_LOG_BYTES,
  STEP_LOG_LINES,
  type StepAddress,
} from "@jobbers/core";
import type { Script } from "./script.js";
import type { Server } from "./server.js";
import { keyText, packText, US, unpackText } from "./text.js";

/** How many parts one script answers at most. */
const READ_PARTS = 100;

/** How many scripts one page asks at most. */
const READS = 5;

export const appendLogsScript: Script<[parts: readonly LogPart[], eventsKept: number], void> = {
  name: "append-logs",
  encode: (parts, eventsKept) => [
    ...[eventsKept, STEP_LOG_LINES, STEP_LOG_BYTES, LOGGING_ATTEMPTS],
    ...parts.flatMap(({ lease: { run, address, fence }, from, lines }) => [
      ...[keyText(run), packText(address), fence, from, lines.length, packLogPart(lines)],
    ]),
  ],
  decode: () => undefined,
};

interface LogParts {
  readonly dropped: number;
  /** The place up to which was looked. */
  readonly last: number;
  readonly more: boolean;
  readonly parts: readonly (readonly [place: number, part: string])[];
}

const readLogsScript: Script<
  [run: string, address: StepAddress | undefined, after: number, limit: number],
  LogParts | undefined
> = {
  name: "read-logs",
  encode: (run, address, after, limit) => [
    ...[keyText(run), address === undefined ? "" : packText(address), after, limit],
  ],
  decode(reply) {
    if (reply === null) return undefined;
    const [dropped, last, more, list] = reply as [number, number, number, (number | string)[]];
    const parts: [number, string][] = [];
    for (let i = 0; i < list.length; i += 2) parts.push([list[i] as number, list[i + 1] as string]);
    return { dropped, last, more: more === 1, parts };
  },
};

/** A page of a run's lines, or of one step's. */
export async function readLogs(server: Server, run: string, query: LogQuery): Promise<LogPage> {
  const pager = createLogPager(query);
  const limit = Math.min(READ_PARTS, query.limit + 1);
  for (let reads = 1; ; reads++) {
    const found = await server.run(readLogsScript, run, query.address, pager.after, limit);
    if (!found) return noLog(query);
    for (const [place, part] of found.parts) {
      if (pager.isFull) break;
      pager.take(partOf(place, part));
    }
    if (!pager.isFull) pager.skipTo(found.last);
    const more = found.more || pager.after < found.last;
    if (pager.isFull || !more || reads === READS) return pager.page({ more, dropped: found.dropped });
  }
}

function partOf(place: number, part: string) {
  const [at, fence, first, address = "", ...lines] = part.split(US);
  return {
    ...{ place, address: unpackText(address), attempt: Number(fence), from: Number(first) },
    ...{ atMs: Number(at), text: lines.join(US) },
  };
}
