import { isMainThread, parentPort, workerData } from "node:worker_threads";
import type { JsonValue, RenewalModule, Renewer } from "@jobbers/core";
import { Pulse } from "./pulse.js";
import { type RenewalNews, renewalLoop } from "./renewal-loop.js";
import { pause } from "./waiting.js";

/** What the main loop sends: the session to renew from now on, or `undefined` to end. */
export interface ThreadOrder {
  readonly session: string | undefined;
}

/** What the thread is started with. */
export interface ThreadData {
  readonly renewal: RenewalModule;
  readonly session: string;
  readonly leaseMs: number;
  readonly trustMs: number;
  readonly maxBlockMs: number;
  readonly pulse: SharedArrayBuffer;
}

/** Renews a session from a thread of its own, on a connection of its own: a busy main loop does not delay it. */
async function runThread(data: ThreadData, port: NonNullable<typeof parentPort>): Promise<void> {
  const ending = new AbortController();
  let session = data.session;
  port.on("message", (order: ThreadOrder) => {
    if (order.session === undefined) ending.abort();
    else session = order.session;
  });
  const { openRenewer } = (await import(data.renewal.module)) as {
    openRenewer(data: JsonValue): Renewer | Promise<Renewer>;
  };
  const renewer = await openRenewer(data.renewal.data);
  await renewalLoop(data, new Pulse(data.pulse), {
    session: () => session,
    renew: (id) => renewer.renew(id),
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
