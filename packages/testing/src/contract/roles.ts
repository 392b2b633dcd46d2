import type { RoleQueues } from "@jobbers/core";
import { expect } from "vitest";
import { submissionOf } from "../factories.js";
import { single } from "../sample-plans.js";
import type { BenchTest } from "./bench.js";

const ME = "ada";

export function roles(test: BenchTest): void {
  test("a role is made, edited and deleted, and each edit says who and when", async ({ store, clock }) => {
    expect(await store.getRole("crawler")).toBeUndefined();
    const first = await store.setRole("crawler", { queues: { mail: 1, crawl: 3 } }, ME);
    expect(first).toEqual({
      ...{
        name: "crawler",
        queues: { crawl: 3, mail: 1 },
        version: 1,
        editedBy: ME,
        editedAtMs: clock.now(),
      },
    });
    clock.advance(1_000);
    expect(await store.setRole("crawler", { queues: { crawl: 3, mail: 1 } }, "somebody else")).toEqual(first);
    const second = await store.setRole("crawler", { queues: { crawl: 0.5 } }, "b, c\u001f%");
    expect(second).toMatchObject({ version: 2, editedBy: "b, c\u001f%", editedAtMs: clock.now() });
    expect(await store.listRoles()).toEqual([second]);
    await store.deleteRole("crawler", ME);
    expect(await store.deleteRole("crawler", ME)).toBe(false);
    expect(await store.listRoles()).toEqual([]);
    expect(await store.getRole("crawler")).toEqual({
      versions: [
        { version: 3, by: ME, atMs: clock.now() },
        { version: 2, queues: { crawl: 0.5 }, by: "b, c\u001f%", atMs: clock.now() },
        { version: 1, queues: { crawl: 3, mail: 1 }, by: ME, atMs: clock.now() - 1_000 },
      ],
    });
    expect(await store.setRole("crawler", { queues: { crawl: 1 } }, ME)).toMatchObject({ version: 4 });
  });

  test("the last twenty edits of a role are remembered", async ({ store }) => {
    for (let n = 1; n <= 25; n++) await store.setRole("crawler", { queues: { crawl: n } }, ME);
    const { role, versions } = (await store.getRole("crawler")) ?? {};
    expect(role).toMatchObject({ version: 25, queues: { crawl: 25 } });
    expect(versions?.map(({ version }) => version)).toEqual(Array.from({ length: 20 }, (_, i) => 25 - i));
  });

  test("a role that makes no sense is refused, with the name of the field", async ({ store }) => {
    const refused = async (queues: unknown, name = "crawler") => {
      const edit = { queues: queues as RoleQueues };
      const error = await store.setRole(name, edit, ME).catch((thrown: unknown) => thrown);
      return error as { code: string; message: string };
    };
    expect(await refused({})).toMatchObject({
      code: "flag-invalid",
      message: expect.stringContaining("queues"),
    });
    expect((await refused({ crawl: 0 })).message).toContain("queues.crawl is 0");
    expect((await refused({ crawl: 1, mail: 0 })).message).toContain("queues.mail is 0");
    expect((await refused({ crawl: Number.NaN })).message).toContain("queues.crawl");
    expect((await refused(["crawl"])).message).toContain("queues");
    expect(await refused({ crawl: 1 }, "r".repeat(10_000))).toMatchObject({ code: "name-invalid" });
    const long = await refused({ ["q".repeat(10_000)]: 1 });
    expect(long).toMatchObject({ code: "name-invalid", message: expect.stringContaining("queue") });
    expect(long.message.length).toBeLessThan(500);
    expect(await store.listRoles()).toEqual([]);
  });

  test("a session says which queues it serves, and of which role", async ({ store, driver }) => {
    const { session } = await driver(single(), { queues: ["crawl"] });
    await store.serve(session.id, { queues: ["mail", "crawl"], role: "crawler" });
    const own = async () => (await store.listWorkers()).filter((worker) => worker.session === session.id);
    expect(await own()).toMatchObject([{ queues: ["mail", "crawl"], role: "crawler" }]);
    await store.serve("nobody", { queues: ["crawl"] });
    await store.serve(session.id, { queues: ["crawl"] });
    const [now] = await own();
    expect(now?.queues).toEqual(["crawl"]);
    expect(now?.role).toBeUndefined();
  });

  test("of queues with weights each gets its part of the slots, and what one leaves is for the others", async ({
    store,
    driver,
    faulty,
  }) => {
    const plans = ["one", "two", "three"].map((queue) => single({ queue }));
    const batch = [20, 20, 3].flatMap((n, i) =>
      Array.from({ length: n }, () => submissionOf(plans[i] as (typeof plans)[number])),
    );
    await store.submit(batch);
    const worker = await driver(plans);
    const want = { queues: ["one", "two", "three"], weights: [6, 3, 1] };
    const [first, taken] = [await worker.exchange([], { slots: 10, ...want }), worker.lastReply?.taken];
    expect(first.grants).toHaveLength(10);
    if (!faulty) expect(taken).toEqual([6, 3, 1]);
    await store.setQueue("one", { paused: true }, ME);
    const second = await worker.exchange([], { slots: 10, ...want });
    expect(second.grants).toHaveLength(10);
    if (!faulty) expect(second.taken).toEqual([0, 9, 1]);
    const third = await worker.exchange([], { slots: 20, ...want });
    if (!faulty) expect(third.taken).toEqual([0, 8, 1]);
    expect(third.grants).toHaveLength(9);
    await store.setQueue("one", { paused: false }, ME);
    expect((await worker.exchange([], { slots: 20, ...want })).grants).toHaveLength(14);
  });
}
