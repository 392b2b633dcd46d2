import { openRedisStore } from "@jobbers/store-redis";
import { fairnessTest, limitsTest, type OpenStore } from "@jobbers/testing/contract";
import { afterAll, beforeAll, test } from "vitest";
import { type SharedRedis, shareRedis } from "./shared-redis.js";

let server: SharedRedis;
beforeAll(async () => {
  server = await shareRedis();
});
afterAll(() => server?.stop());

const inNamespace: OpenStore = ({ clock }) =>
  openRedisStore(server.url, { namespace: server.newNamespace(), clock: clock.now });

test("limits hold under random schedules", () => limitsTest(inNamespace, { runs: 12 }), 120_000);

test(
  "tenants have their parts under random schedules",
  () => fairnessTest(inNamespace, { runs: 6 }),
  120_000,
);
