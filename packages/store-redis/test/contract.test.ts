import { openRedisStore } from "@jobbers/store-redis";
import type { Faults } from "@jobbers/testing";
import { type OpenStore, storeContract } from "@jobbers/testing/contract";
import { afterAll, beforeAll } from "vitest";
import { type SharedRedis, shareRedis } from "./shared-redis.js";

let server: SharedRedis;
beforeAll(async () => {
  server = await shareRedis();
});
afterAll(() => server?.stop());

let namespace = "";
/** Every test has a namespace of its own in the one server. */
const inNamespace: OpenStore = ({ clock, eventsKept }) => {
  namespace = server.newNamespace();
  return openRedisStore(server.url, { namespace, clock: clock.now, eventsKept, replicaMs: 20 });
};

storeContract("redis", inNamespace, {
  mayReplicate: true,
  reopen: (_first, { clock }) => openRedisStore(server.url, { namespace, clock: clock.now }),
});

const faults: Faults = { seed: 20_261_121, twice: true, dropReplies: 0.2, delay: true, chunk: 3 };
storeContract("redis behind a bad line", inNamespace, { mayReplicate: true, faults });
