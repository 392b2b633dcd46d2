import { openRedisStore } from "@jobbers/store-redis";
import { twinTest } from "@jobbers/testing/contract";
import { afterAll, beforeAll, test } from "vitest";
import { type RedisServer, startRedis } from "./redis-server.js";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server?.stop());

let namespaces = 0;

/** Where inputs are long, no run begins packed. */
test(
  "packed runs show, and do, what runs do that have a key of their own",
  () =>
    twinTest(
      ({ clock }) => openRedisStore(server.url, { namespace: `twins-${++namespaces}`, clock: clock.now }),
      {
        runs: 40,
      },
    ),
  180_000,
);
