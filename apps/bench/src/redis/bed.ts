import type { Redis } from "ioredis";
import type { Figure } from "../scenario.js";
import { nowMs, type Order } from "./protocol.js";
import { type Program, startProcess } from "./worker-process.js";

/** Where a scenario runs: the server, and a client that looks on. */
export interface Bed {
  readonly url: string;
  readonly admin: Redis;
}

/** Measures ours, then BullMQ's, each on an empty server, and how they compare. */
export async function race(
  { admin }: Bed,
  unit: Figure["unit"],
  sides: { readonly ours: () => Promise<number>; readonly theirs: () => Promise<number> },
  atLeast: number,
  label = "",
): Promise<Figure[]> {
  const ours = await sides.ours();
  await admin.flushall();
  const theirs = await sides.theirs();
  await admin.flushall();
  const named = (name: string) => (label ? `${label}: ${name}` : name);
  return [
    { name: named("Jobbers"), value: ours, unit },
    { name: named("BullMQ"), value: theirs, unit },
    { name: named("against BullMQ"), value: ours / theirs, unit: "ratio", target: { atLeast } },
  ];
}

/**
 * Steps per second of a process from its start, or from the last step that is not counted, to the store's answer to the last report; what
 * it does waits already.
 */
export async function drainRate(
  { url }: Bed,
  program: Program,
  order: Omit<Order, "url"> & { readonly steps: number },
): Promise<number> {
  await using worker = await startProcess(program, { ...order, url });
  await worker.go();
  const { fromMs, atMs } = await worker.told("done");
  return (order.steps / (atMs - fromMs)) * 1000;
}

/**
 * Steps per second from the first call of submitting to the store's answer to the last report, on a worker that idles. Where the order
 * has steps that are not counted, `warm` submits them, and they are over before.
 */
export async function throughRate(
  { url }: Bed,
  program: Program,
  order: Omit<Order, "url"> & { readonly steps: number },
  submit: () => Promise<void>,
  warm?: () => Promise<void>,
): Promise<number> {
  await using worker = await startProcess(program, { ...order, url });
  await worker.go();
  if (warm) {
    await warm();
    await worker.told("warm");
  }
  const fromMs = nowMs();
  await submit();
  const { atMs } = await worker.told("done");
  return (order.steps / (atMs - fromMs)) * 1000;
}

/** Has Redis note from now on what holds it for more than 1 ms. */
export async function logSlow(admin: Redis): Promise<void> {
  await admin.config("SET", "slowlog-log-slower-than", "1000");
  await admin.call("SLOWLOG", "RESET");
}

/** The longest that it was held since then, by its own clock. */
export async function slowestMs(admin: Redis): Promise<number> {
  const entries = (await admin.call("SLOWLOG", "GET", "128")) as [id: number, at: number, micros: number][];
  return Math.max(0, ...entries.map(([, , micros]) => micros / 1000));
}
