import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import { createApi } from "@jobbers/api";
import { dag, type RefTo, type Store, task } from "@jobbers/core";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { createWorker } from "@jobbers/worker";
import { onTestFinished } from "vitest";
import { z } from "zod";
import type { Fetch } from "../src/index.js";

export const double = task({
  name: "double",
  input: z.object({ n: z.number() }),
  run: async ({ n }) => n * 2,
});

export const refuse = task({
  name: "refuse",
  retry: { attempts: 1 },
  run: async (): Promise<string> => {
    throw new TypeError("no more room");
  },
});

export const doubles = dag("doubles", { input: z.object({ numbers: z.array(z.number()) }) }, ({ numbers }) =>
  numbers.map((n) => double({ n })),
);

export const doomed = dag("doomed", { input: z.object({}) }, () => {
  const bad = refuse();
  return { bad, after: double({ n: 1 }, { after: bad }) };
});

/** Runs until it is told to end. */
export const held = task({
  name: "held",
  run: (_input, ctx) =>
    new Promise<null>((resolve, reject) => {
      gates.add(() => resolve(null));
      ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason), { once: true });
    }),
});

/** Waits for the gate, then has many steps one after the other. */
export const heldChain = dag("held-chain", {}, () => {
  let last: RefTo<unknown> = held();
  for (let i = 0; i < 20; i++) last = double({ n: i }, { name: `step-${i}`, after: last });
  return last;
});

/** Logs, waits for the gate, and logs again. */
export const talk = task({
  name: "talk",
  async run(_, ctx) {
    ctx.log.info("begun", { nested: { at: "2026-01-01" } });
    ctx.log.warn("waiting");
    await new Promise<void>((resolve) => void gates.add(resolve));
    ctx.log.info("done");
  },
});

const gates = new Set<() => void>();
/** Lets all that is held end. */
export function openGates(): void {
  for (const open of gates) open();
  gates.clear();
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A store with a worker and the API over it; all ends with the test. */
export interface House {
  readonly store: Store;
  /** The API in this process. */
  readonly fetch: Fetch;
  /** Serves the API on a free port; answers where. */
  listen(): Promise<string>;
}

/** Opens a house. */
export async function openHouse(tokens: readonly string[] = []): Promise<House> {
  const store = await openSqliteStore("memory:");
  const workflows = [double, refuse, doubles, doomed, held, heldChain, talk];
  const worker = createWorker({ store, workflows, log: silent, name: "keeper", inline: false });
  await worker.start();
  const api = createApi({ store, tokens });
  onTestFinished(async () => {
    openGates();
    await worker.stop({ giveBack: true });
    await api.close();
    await store.close();
  });
  return {
    store,
    fetch: (request) => api.fetch(request),
    async listen() {
      const server = createAdaptorServer({ fetch: api.fetch }) as Server;
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      onTestFinished(async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      });
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
  };
}
