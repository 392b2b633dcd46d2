import type { KeyClaim } from "@jobbers/core";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { createFakeClock, samplePlans, submissionOf } from "@jobbers/testing";
import { DatabaseSync } from "@photostructure/sqlite";
import { expect, it } from "vitest";
import { testDirectory } from "./place.js";

const directory = testDirectory();

it("claims whose time is over are deleted, a bit at a time, with what else is purged", async () => {
  const path = `${directory}/claims.db`;
  const clock = createFakeClock();
  const store = await openSqliteStore(`sqlite:${path}`, { clock: clock.now });
  const claim = (n: number): KeyClaim => ({
    ...{ scope: "idempotency", key: `k${n}`, until: "time", holdMs: 1_000 * (1 + (n % 2)), ifHeld: "same" },
  });
  await store.submit(
    Array.from({ length: 40 }, (_, n) => submissionOf(samplePlans.single(), n, { claim: claim(n) })),
  );
  const raw = new DatabaseSync(path);
  const count = () => raw.prepare("SELECT count(*) AS n FROM claims").get() as { n: number };
  const forever = { ageMs: 1e12, count: 1_000_000 };
  const purge = (limit: number) =>
    store.purge({ succeeded: forever, failed: forever, cancelled: forever }, limit);
  await purge(500);
  expect(count()).toEqual({ n: 40 });
  clock.advance(1_000);
  expect(await purge(15)).toMatchObject({ more: true });
  expect(count()).toEqual({ n: 25 });
  await purge(15);
  expect(count()).toEqual({ n: 20 });
  raw.close();
  await store.close();
});
