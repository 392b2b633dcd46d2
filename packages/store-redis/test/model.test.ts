import { openRedisStore } from "@jobbers/store-redis";
import { agreementTest, modelTest, type OpenStore } from "@jobbers/testing/contract";
import { afterAll, beforeAll, test } from "vitest";
import { type RedisServer, startRedis } from "./redis-server.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server?.stop());

let namespaces = 0;
const inNamespace: OpenStore = ({ clock, eventsKept }) =>
  openRedisStore(server.url, { namespace: `model-${++namespaces}`, clock: clock.now, eventsKept });

test("the store does what the model does", () => modelTest(inNamespace, { runs: 150 }), 120_000);

test(
  "a dag ends in the store as it ends in runDag",
  () => agreementTest(inNamespace, { runs: 200 }),
  120_000,
);
