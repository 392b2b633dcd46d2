import { openRedisStore } from "@jobbers/store-redis";
import { agreementTest, modelTest, type OpenStore, rerunTest } from "@jobbers/testing/contract";
import { afterAll, beforeAll, test } from "vitest";
import { type SharedRedis, shareRedis } from "./shared-redis.js";

let server: SharedRedis;
beforeAll(async () => {
  server = await shareRedis();
});
afterAll(() => server?.stop());

const inNamespace: OpenStore = ({ clock, eventsKept }) =>
  openRedisStore(server.url, { namespace: server.newNamespace(), clock: clock.now, eventsKept });

test("the store does what the model does", () => modelTest(inNamespace, { runs: 100 }), 120_000);

test(
  "a dag ends in the store as it ends in runDag",
  () => agreementTest(inNamespace, { runs: 100 }),
  120_000,
);

test(
  "a rerun redoes a step and what comes after it, and nothing else",
  () => rerunTest(inNamespace, { runs: 25 }),
  120_000,
);
