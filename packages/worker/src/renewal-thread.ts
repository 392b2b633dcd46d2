import { isMainThread, parentPort, workerData } from "node:worker_threads";
import type { Bulletin, JsonValue, RenewalModule, Renewer } from "@jobbers/core";
import { Pulse } from "./pulse.js";
import { type RenewalNews, renewalLoop } from "./renewal-loop.js";
import { pause } from "./waiting.js";

/** What the main loop sends. */
export type ThreadOrder =
  /** The session to renew from now on, or `undefined` to end. */
  | { readonly type: "session"; readonly session: string | undefined }
  /** What it was asked for. */
  | { readonly type: "bulletin"; readonly session: string; readonly bulletin: Bulletin };

/** What the thread sends: news, and what it asks before each renewal. */
export type ThreadNews = RenewalNews | { readonly type: "ask"; readonly session: string };

/** What the thread is started with. */
export interface ThreadData {
  readonly renewal: RenewalModule;
  readonly session: string;
  readonly leaseMs: number;
  readonly trustMs: number;
  readonly maxBlockMs: number;
  readonly tickMs: number;
  readonly pulse: SharedArrayBuffer;
}

/** A question to the main loop, until it is answered or nobody waits for that any more. */
interface Asked {
  readonly session: string;
  readonly over: AbortController;
  bulletin: Bulletin | undefined;
}

/** How long the main loop has to say what it has to tell. */
const ANSWER_MS = 200;

/** Renews a session from a thread of its own, on a connection of its own: a busy main loop does not delay it. */
async function runThread(data: ThreadData, port: NonNullable<typeof parentPort>): Promise<void> {
  const ending = new AbortController();
  let session = data.session;
  let asked: Asked | undefined;
  port.on("message", (order: ThreadOrder) => {
    if (order.type === "bulletin") {
      // Numbers of another session would be taken for this one's.
      if (order.session !== asked?.session) return;
      asked.bulletin = order.bulletin;
      asked.over.abort();
    } else if (order.session === undefined) {
      ending.abort();
      asked?.over.abort();
    } else session = order.session;
  });
  /** A main loop that is blocked answers too late: then the renewal goes without. */
  const ask = async (id: string): Promise<Bulletin | undefined> => {
    const asking: Asked = { session: id, over: new AbortController(), bulletin: undefined };
    asked = asking;
    port.postMessage({ type: "ask", session: id } satisfies ThreadNews);
    await pause(Math.min(ANSWER_MS, data.leaseMs / 15), asking.over.signal);
    asked = undefined;
    return asking.bulletin;
  };
  const { openRenewer } = (await import(data.renewal.module)) as {
    openRenewer(data: JsonValue): Renewer | Promise<Renewer>;
  };
  const renewer = await openRenewer(data.renewal.data);
  await renewalLoop(data, new Pulse(data.pulse), {
    session: () => session,
    renew: (id, vitals) => renewer.renew(id, vitals),
    bulletin: ask,
    tell: (news: RenewalNews) => port.postMessage(news),
    wait: (ms) => pause(ms, ending.signal),
    signal: ending.signal,
    random: Math.random,
  });
  await renewer.close();
  port.close();
  // A client library's timers, of a server that went away, would keep the thread for a while, and whoever stops the worker waits for it.
  process.exit();
}

if (!isMainThread && parentPort) await runThread(workerData as ThreadData, parentPort);
