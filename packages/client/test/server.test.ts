import { isRunEvent } from "@jobbers/core";
import { createPlans, explain } from "@jobbers/runs";
import { describe, expect, it } from "vitest";
import { explanationIn } from "../src/explanation.js";
import {
  type Cause,
  type ClientOptions,
  createClient,
  RunCancelled,
  type RunEvent,
  RunFailed,
} from "../src/index.js";
import { doomed, double, doubles, held, openGates, openHouse } from "./house.js";

const TOKEN = "jb_test_0123456789abcdef";

async function doorsOf(kind: "over HTTP" | "in the same process", tokens: readonly string[] = []) {
  const house = await openHouse(tokens);
  const options: ClientOptions =
    kind === "over HTTP" ? { url: await house.listen() } : { fetch: house.fetch };
  return { house, options };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Causes without their sentences, and without what is not there. */
function wordless(causes: readonly Cause[]): unknown {
  return JSON.parse(JSON.stringify(causes, (key, value: unknown) => (key === "sentence" ? "" : value)));
}

describe.each(["over HTTP", "in the same process"] as const)("a client, %s", (kind) => {
  const open = async () => {
    const { house, options } = await doorsOf(kind);
    return { ...house, client: createClient(options) };
  };

  it("submits by name and by definition, and answers results", async () => {
    const { client } = await open();
    const byName = await client.submit("doubles", { numbers: [1, 2, 3] }, { tags: ["a"], priority: 7 });
    expect(await byName.result()).toEqual([2, 4, 6]);
    expect(await byName.status()).toMatchObject({
      name: "doubles",
      state: "succeeded",
      tags: ["a"],
      priority: 7,
    });
    const byItself = await client.submit(double, { n: 21 });
    expect(await byItself.result()).toBe(42);
    expect(await client.run(byItself.id, double).result()).toBe(42);
    await expect(client.run(byItself.id, doubles).result()).rejects.toMatchObject({ code: "run-conflict" });
  });

  it("reads and follows a run's log", async () => {
    const { client, store } = await open();
    const run = await client.submit("talk");
    const seen: string[] = [];
    for await (const { message } of run.logs({ follow: true })) {
      seen.push(message);
      if (seen.length < 2) expect((await run.status()).state).toBe("running");
      openGates();
    }
    expect(seen).toEqual(["begun", "waiting", "done"]);
    expect(await run.status()).toMatchObject({ state: "succeeded" });
    expect(await all(run.logs())).toEqual((await store.readLogs(run.id, { limit: 9 })).lines);
    expect((await all(run.logs({ level: "warn", step: "talk" }))).map(({ message }) => message)).toEqual([
      "waiting",
    ]);
    expect(await all(run.logs({ step: "other", follow: true }))).toEqual([]);
    const none = client.run("01ARZ3NDEKTSV4RRFFQ69G5FAV");
    for (const follow of [true, false])
      await expect(all(none.logs({ follow }))).rejects.toMatchObject({ code: "run-unknown" });
  });

  it("answers the run that holds a key, of one submission and of many", async () => {
    const { client } = await open();
    const first = await client.submit(double, { n: 1 }, { idempotencyKey: { key: "k", ttl: "1h" } });
    const again = await client.submit("double", { n: 1 }, { idempotencyKey: { key: "k", ttl: "1h" } });
    expect(again.id).toBe(first.id);
    expect(await again.result()).toBe(2);
    const { createdAtMs, key } = await first.status();
    expect(key).toEqual({ scope: "idempotency", key: "k", untilMs: createdAtMs + 3_600_000 });
    const taken = client.submit(double, { n: 1 }, { idempotencyKey: { key: "k", mode: "reject" } });
    await expect(taken).rejects.toMatchObject({ code: "key-taken", facts: { holder: first.id } });
    const late = { debounce: { wait: "1h" } } as const;
    const many = await client.submitMany(double, [
      { input: { n: 1 }, throttle: { per: "1h" } },
      { input: { n: 2 }, throttle: { per: "1h" } },
      { input: { n: 3 }, ...late },
      { input: { n: 4 }, ...late },
      { input: { n: 5 }, runAt: 0 },
    ]);
    expect(many.map(({ status }) => status)).toEqual([
      "created",
      "existing",
      "created",
      "created",
      "refused",
    ]);
    expect(many[1]?.id).toBe(many[0]?.id);
    const [, , replaced, by] = many.map((each) => (each.status === "refused" ? undefined : each.run));
    expect(await replaced?.status()).toMatchObject({ state: "cancelled", replacedBy: by?.id });
    expect(many[4]).toMatchObject({ error: { code: "run-at-invalid" } });
  });

  it("takes a repetition as the same run, and another content under the same id as a conflict", async () => {
    const { client, store } = await open();
    const first = await client.submit(double, { n: 1 });
    expect((await client.submit(double, { n: 1 }, { id: first.id })).id).toBe(first.id);
    const other = client.submit(double, { n: 2 }, { id: first.id });
    await expect(other).rejects.toMatchObject({
      name: "JobbersHttpError",
      code: "run-conflict",
      status: 409,
    });
    expect((await store.listRuns({ limit: 10 })).runs).toHaveLength(1);
  });

  it("says what is wrong with an input, by its place", async () => {
    const { client } = await open();
    const refused = client.submit("doubles", { numbers: [1, "2"] });
    await expect(refused).rejects.toMatchObject({
      code: "input-invalid",
      status: 422,
      pointers: [expect.objectContaining({ pointer: "/input/numbers/1" })],
    });
    await expect(client.submit("nope")).rejects.toMatchObject({
      code: "workflow-unknown",
      message: expect.stringContaining("there are doomed, double, doubles, held, held-chain, refuse"),
    });
  });

  it("explains as the library does", async () => {
    const { client, store } = await open();
    const run = await client.submit(doomed, {});
    await run.result().catch(() => undefined);
    for (const step of [undefined, "refuse", "double"]) {
      const { atMs, ...told } = await explain({ store, plans: createPlans(store) }, run.id, step);
      const explained = await run.explain(step);
      expect(explained.atMs).toBeGreaterThanOrEqual(atMs);
      // Words may have another age in them, all figures and instants are the same.
      expect(wordless(explained.causes)).toEqual(wordless(told.causes));
      expect(explained).toMatchObject({ run: run.id, state: told.state, left: told.left });
    }
    const [first] = (await run.explain()).causes;
    expect(first).toMatchObject({
      type: "ended",
      endedAtMs: expect.any(Number),
      failure: { step: "refuse" },
    });
    await expect(run.explain("nope")).rejects.toMatchObject({ code: "step-unknown", status: 404 });
    const none = client.run("01ARZ3NDEKTSV4RRFFQ69G5FAA").explain();
    await expect(none).rejects.toMatchObject({ code: "run-unknown", status: 404 });
  });

  it("has the instants of limits in milliseconds, as all others", () => {
    const at = "2026-01-01T00:00:00.000Z";
    const limited = { type: "limited", text: "", opensAt: at, throttledUntil: at } as never;
    const told = explanationIn({
      run: "",
      step: undefined,
      state: "ready",
      at,
      left: 0,
      causes: [limited],
    } as never);
    expect(told.causes).toEqual([
      { type: "limited", text: "", opensAtMs: Date.parse(at), throttledUntilMs: Date.parse(at) },
    ]);
  });

  it("throws what the library throws of runs that failed or were cancelled", async () => {
    const { client } = await open();
    const failed = await client.submit(doomed, {});
    const error = await failed.result().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RunFailed);
    expect(error).toMatchObject({
      ...{ code: "run-failed", run: failed.id, step: "refuse", attempts: 1 },
      error: { name: "TypeError", message: "no more room" },
    });
    expect(await all(failed.steps({ states: ["failed"] }))).toMatchObject([
      { run: failed.id, address: "refuse", state: "failed", error: expect.stringContaining("no more room") },
    ]);
    expect(await failed.step("refuse")).toMatchObject({ attempts: [{ reason: "error" }] });
    expect(await failed.retry()).toBe("retried");
    await expect(failed.result()).rejects.toBeInstanceOf(RunFailed);

    const cancelled = await client.submit(held, {});
    expect(["cancelled", "cancelling"]).toContain(await cancelled.cancel());
    await expect(cancelled.result()).rejects.toBeInstanceOf(RunCancelled);
    expect(await cancelled.cancel()).toBe("cancelled");
    await expect(client.run("01ARZ3NDEKTSV4RRFFQ69G5FAV").status()).rejects.toMatchObject({
      code: "run-unknown",
    });
  });

  it("tells the progress and the events of a run, and ends with it", async () => {
    const { client } = await open();
    const run = await client.submit("held");
    const events: RunEvent[] = [];
    const watching = (async () => {
      for await (const event of run.events()) events.push(event);
    })();
    expect(await run.progress()).toMatchObject([
      { name: "held", kind: "task", depth: 0, total: 1, settled: 0 },
    ]);
    // The gate is there as soon as the step runs.
    await expect.poll(async () => (await run.status()).state).toBe("running");
    await expect.poll(async () => (await run.progress())[0]?.counts.running).toBe(1);
    openGates();
    await watching;
    expect(events.at(-1)).toMatchObject({ type: "run.ended", detail: { state: "succeeded" } });
    expect(await all(run.events())).toMatchObject([{ type: "run.ended" }]);
    expect(await run.detail()).toMatchObject({ input: {}, steps: [{ name: "held", state: "succeeded" }] });
  });

  it("tells the events of all runs, until the signal aborts", async () => {
    const { client } = await open();
    const leaving = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      const events = client.events({ types: ["run.ended"], dag: "doubles", signal: leaving.signal });
      for await (const event of events) if ("run" in event && seen.push(event.run) === 2) leaving.abort();
    })().catch((error: unknown) => error);
    const ours = new Set<string>();
    // Nobody says when the stream has begun: runs are submitted until it tells of two.
    while (!leaving.signal.aborted) {
      await (await client.submit("double", { n: 1 })).result();
      const run = await client.submit("doubles", { numbers: [] });
      ours.add(run.id);
      await run.result();
    }
    expect(await watching).toBe(leaving.signal.reason);
    expect(seen.every((id) => ours.has(id))).toBe(true);
  });

  it("stops waiting when its signal aborts", async () => {
    const { client } = await open();
    const run = await client.submit("held");
    const leaving = new AbortController();
    const waiting = run.result({ signal: leaving.signal });
    leaving.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect((await run.status()).state).toBe("running");
  });

  it("lists runs page by page, and what there is besides", async () => {
    const { client } = await open();
    const many = await client.submitMany("double", [
      ...Array.from({ length: 25 }, (_, n) => ({ input: { n }, tags: [n % 2 ? "odd" : "even"] })),
      { input: { n: "x" } as never },
    ]);
    expect(many.slice(0, 25).map(({ status }) => status)).toEqual(Array(25).fill("created"));
    expect(many[25]).toMatchObject({ status: "refused", error: { code: "input-invalid" } });
    const answers = many.flatMap((each) => (each.status === "refused" ? [] : [each.run.result()]));
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 25 }, (_, n) => n * 2));
    const listed = await all(client.runs({ task: "double", pageSize: 10 }));
    expect(listed.map(({ id }) => id)).toEqual(
      many
        .slice(0, 25)
        .map(({ id }) => id)
        .reverse(),
    );
    expect(await all(client.runs({ tag: "odd", pageSize: 5 }))).toHaveLength(12);
    expect(await all(client.runs({ state: "failed" }))).toEqual([]);
    expect((await client.dags()).map(({ name }) => name)).toContain("doubles");
    expect(await client.dag("doubles")).toMatchObject({ kind: "dag", plan: { format: 1 } });
    expect(await client.queues()).toMatchObject([{ name: "default", ready: 0 }]);
    expect(await client.workers()).toMatchObject([{ name: "keeper", openedAtMs: expect.any(Number) }]);
    await client.ready();
  });

  it("is let in with a token only, where there are some", async () => {
    const { options } = await doorsOf(kind, [TOKEN]);
    await expect(createClient(options).queues()).rejects.toMatchObject({ code: "unauthorized", status: 401 });
    expect(await createClient({ ...options, token: TOKEN }).queues()).toEqual([]);
  });
});

describe("on a bad network", () => {
  /** A fetch of which every third answer is lost after the server has done what was asked. */
  function losing(inner: (request: Request) => Response | Promise<Response>) {
    let calls = 0;
    return async (request: Request) => {
      const response = await inner(request);
      calls += 1;
      if (calls % 3 === 0) {
        await response.body?.cancel();
        throw new TypeError("fetch failed", { cause: new Error("socket hang up") });
      }
      return response;
    };
  }

  it("nothing is submitted twice, and nothing is lost", async () => {
    const { store, fetch } = await openHouse();
    const client = createClient({ fetch: losing(fetch) });
    const ids: string[] = [];
    for (let n = 0; n < 12; n++) ids.push((await client.submit("double", { n })).id);
    const many = await client.submitMany(
      "double",
      Array.from({ length: 1_100 }, (_, n) => ({ input: { n } })),
    );
    expect(many.every(({ status }) => status !== "refused")).toBe(true);
    const { runs } = await store.listRuns({ limit: 2_000 });
    expect(runs.map(({ id }) => id).sort()).toEqual([...ids, ...many.map(({ id }) => id)].sort());
    expect(await client.run(ids[5] as string).result()).toBe(10);
  });

  it("no event is missed when streams are cut at random", async () => {
    const { store, fetch } = await openHouse();
    let streams = 0;
    /** Lets two messages of each stream through, and the beginning of a third. */
    const cutting = async (request: Request) => {
      const response = await fetch(request);
      if (!request.url.endsWith("/events") || !response.body) return response;
      streams += 1;
      let messages = 0;
      const cut = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          // The run goes on as soon as somebody watches.
          openGates();
          if (messages++ < 2) return controller.enqueue(chunk);
          controller.enqueue(chunk.subarray(0, Math.floor(Math.random() * chunk.length)));
          controller.error(new Error("socket hang up"));
        },
      });
      return new Response(response.body.pipeThrough(cut), response);
    };
    const run = await createClient({ fetch: cutting }).submit("held-chain");
    await expect.poll(async () => (await run.progress())[0]?.counts.running).toBe(1);
    const from = await store.lastEvent();
    const seen: RunEvent[] = [];
    for await (const event of run.events()) seen.push(event);
    const { events: told } = await store.readEvents(from, 500);
    expect(told.length).toBeGreaterThan(10);
    expect(streams).toBeGreaterThan(5);
    expect(seen).toEqual(told.filter(isRunEvent).map(({ cursor: _cursor, run: _run, ...event }) => event));
  });
});
