import { setTimeout as pause } from "node:timers/promises";
import type { Figure } from "../scenario.js";
import { startProcess } from "./worker-process.js";

/** How long the control takes, in milliseconds: a few seconds are enough to meet what the system's scheduler does at worst. */
const CONTROL_MS = 5_000;

/** What a process of its own that only pings has met. */
export interface Pings {
  readonly worstMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Pings while something goes on. */
export async function pingsDuring(url: string, work: () => Promise<void>): Promise<Pings> {
  await using pinger = await startProcess("ping", { url, concurrency: 1 });
  await pinger.go();
  await work();
  await pinger.stop();
  return await pinger.told("pinged");
}

/** What the pings beside a map show. */
export function pingFigures({ worstMs, p50Ms, p99Ms }: Pings): Figure[] {
  return [
    { name: "worst PING meanwhile", value: worstMs, unit: "ms", target: { atMost: 10 } },
    { name: "median PING meanwhile", value: p50Ms, unit: "ms" },
    { name: "99 of 100 PINGs stay below", value: p99Ms, unit: "ms" },
  ];
}

/**
 * The machine's own part of a worst PING: what the same pinger meets at a Redis that nobody else uses, while as many processes compute
 * as the scenario keeps busy beside Redis, who submits left out.
 */
export async function controlPing(url: string): Promise<Figure> {
  const { worstMs } = await pingsDuring(url, async () => {
    await using one = await startProcess("compute", { url, concurrency: 1 });
    await using other = await startProcess("compute", { url, concurrency: 1 });
    await Promise.all([one.go(), other.go()]);
    await pause(CONTROL_MS);
  });
  return { name: "worst PING of an idle Redis while two processes compute", value: worstMs, unit: "ms" };
}
