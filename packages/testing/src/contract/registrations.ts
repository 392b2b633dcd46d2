import { VERSIONS_KEPT } from "@jobbers/core";
import { expect } from "vitest";
import { openingOf, registrationOf } from "../factories.js";
import { diamond, single } from "../sample-plans.js";
import type { Bench, BenchTest } from "./bench.js";

const DAY_MS = 86_400_000;

/** Opens a session that registers, and closes it. */
async function register({ store }: Bench, ...registers: ReturnType<typeof registrationOf>[]): Promise<void> {
  await store.closeSession((await store.openSession(openingOf({ registers }))).id);
}

/** The nth version of one dag. */
const version = (n: number) => registrationOf(single({ queue: `q${n}` }));

export function registrations(test: BenchTest): void {
  test("a registration is found with all that was registered, and when", async (bench) => {
    const { store, clock } = bench;
    const bare = registrationOf(diamond());
    const rich = {
      ...version(1),
      inputSchema: '{"type":"object","title":"[] {} , 12345678901234567890"}',
      outputSchema: "true",
      parses: true,
      tags: ["a, b", "ü"],
      keepMs: 5,
    };
    await register(bench, rich, bare);
    expect(await store.findRegistration("single")).toEqual({ ...rich, registeredAtMs: clock.now() });
    expect(await store.findRegistration("diamond")).toEqual({ ...bare, registeredAtMs: clock.now() });
    expect(await store.findRegistration("nothing")).toBeUndefined();
    expect(await store.listRegistrations()).toEqual([
      { kind: "dag", name: "diamond", plan: bare.plan, registeredAtMs: clock.now() },
      { kind: "dag", name: "single", plan: rich.plan, registeredAtMs: clock.now() },
    ]);
  });

  test("versions are listed newest first; one that is registered again is the newest again", async (bench) => {
    const { store, clock } = bench;
    const [one, two] = [version(1), version(2)];
    const start = clock.now();
    await register(bench, one);
    clock.advance(10);
    await register(bench, two);
    expect(await store.listVersions("single")).toEqual([
      { plan: two.plan, registeredAtMs: start + 10, runs: 0 },
      { plan: one.plan, registeredAtMs: start, runs: 0 },
    ]);
    clock.advance(10);
    await register(bench, one);
    expect((await store.listVersions("single")).map(({ plan }) => plan)).toEqual([one.plan, two.plan]);
    expect(await store.findRegistration("single")).toMatchObject({ ...one, registeredAtMs: start + 20 });
    expect(await store.listVersions("nothing")).toEqual([]);
  });

  test("the same version registered by many workers is one, as old as the first", async (bench) => {
    const { store, clock } = bench;
    const start = clock.now();
    for (let n = 0; n < 20; n++) {
      await register(bench, version(1));
      clock.advance(1_000);
    }
    expect(await store.listVersions("single")).toEqual([
      { plan: version(1).plan, registeredAtMs: start, runs: 0 },
    ]);
    expect((await store.findRegistration("single"))?.registeredAtMs).toBe(start);
  });

  test("schemas are no part of the version: those registered last count", async (bench) => {
    const { store, clock } = bench;
    const start = clock.now();
    await register(bench, { ...version(1), inputSchema: '{"minimum":1}', outputSchema: "true" });
    clock.advance(10);
    await register(bench, { ...version(1), inputSchema: '{"minimum":2}' });
    const found = await store.findRegistration("single");
    expect(found).toEqual({ ...version(1), inputSchema: '{"minimum":2}', registeredAtMs: start });
    expect(await store.listVersions("single")).toHaveLength(1);
  });

  test("an older version is found as long as the store keeps runs of it, the newest always", async (bench) => {
    const { store, clock } = bench;
    const [one, two] = [version(1), version(2)];
    await register(bench, { ...one, inputSchema: "true" });
    await bench.submit(single({ queue: "q1" }));
    await register(bench, two);
    expect(await store.findRegistration("single", one.plan)).toMatchObject({ ...one, inputSchema: "true" });
    expect((await store.listVersions("single")).map(({ runs }) => runs)).toEqual([0, 1]);
    await (await bench.driver(single({ queue: "q1" }))).finish();
    clock.advance(2 * DAY_MS);
    const none = { ageMs: 0, count: 0 };
    const all = { succeeded: none, failed: none, cancelled: none };
    while ((await store.purge(all, 100)).more);
    expect(await store.findRegistration("single", one.plan)).toBeUndefined();
    expect(await store.getPlan(one.plan)).toBeUndefined();
    expect(await store.listVersions("single")).toMatchObject([
      { plan: two.plan, runs: 0 },
      { plan: one.plan, runs: 0 },
    ]);
    expect(await store.findRegistration("single")).toMatchObject(two);
    expect(await store.findRegistration("single", two.plan)).toMatchObject(two);
    expect(await store.findRegistration("diamond", two.plan)).toBeUndefined();
  });

  test("so many versions of a name are remembered, and no more", async (bench) => {
    const count = VERSIONS_KEPT + 3;
    for (let n = 0; n < count; n++) await register(bench, version(n));
    const listed = (await bench.store.listVersions("single")).map(({ plan }) => plan);
    const expected = Array.from({ length: VERSIONS_KEPT }, (_, i) => version(count - 1 - i).plan);
    expect(listed).toEqual(expected);
  });
}
