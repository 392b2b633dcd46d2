import { expect, it } from "vitest";
import type { BulkAnswer, RunDetail, SubmitAnswer } from "../src/index.js";
import { apiOver, newId, problemIn, register, type TestApi, work } from "./bench.js";
import { onEachStore, openMemory } from "./each-store.js";

const run = (n: number, more: object = {}) => ({ task: "double", input: { n }, ...more });

async function submit(api: TestApi, body: object, headers?: Record<string, string>) {
  return (await (await api.post("/v1/runs", body, headers)).json()) as SubmitAnswer;
}

onEachStore("keys of POST /v1/runs", (open) => {
  it("answer the run that holds the key, and refuse other content with its id", async () => {
    const api = apiOver(await open());
    await register(api.store);
    const first = await submit(api, run(1, { idempotencyKey: "order-17" }));
    expect(first).toMatchObject({ status: "created" });
    const again = await api.post("/v1/runs", run(1, { id: newId(), idempotencyKey: "order-17" }));
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual({ id: first.id, status: "existing", state: "running" });
    const other = await problemIn(await api.post("/v1/runs", run(2, { idempotencyKey: "order-17" })));
    expect(other).toMatchObject({ status: 409, code: "key-conflict", facts: { holder: first.id } });
    const strict = run(1, { idempotencyKey: { key: "order-17", mode: "reject" } });
    const taken = await problemIn(await api.post("/v1/runs", strict));
    expect(taken).toMatchObject({ status: 409, code: "key-taken", facts: { holder: first.id } });
    const detail = (await (await api.get(`/v1/runs/${first.id}`)).json()) as RunDetail;
    expect(detail.key).toMatchObject({ scope: "idempotency", key: "order-17" });
    expect(Date.parse(detail.key?.until as string)).toBe(Date.parse(detail.createdAt) + 86_400_000);
  });

  it("come in a header as well, in quotes or as they are", async () => {
    const api = apiOver(await open());
    await register(api.store);
    const { id } = await submit(api, run(1), { "idempotency-key": '"a \\"key\\" of mine"' });
    expect(await submit(api, run(1, { idempotencyKey: 'a "key" of mine' }))).toMatchObject({ id });
    const bare = await submit(api, run(1), { "Idempotency-Key": "8e03978e-40d5" });
    expect(await submit(api, run(1), { "Idempotency-Key": '"8e03978e-40d5"' })).toMatchObject({
      id: bare.id,
    });
    // The body may say more about the same key.
    const more = run(1, { idempotencyKey: { key: "mine", ttl: "1h" } });
    expect((await api.post("/v1/runs", more, { "idempotency-key": "mine" })).status).toBe(201);
    for (const [header, body, status, pointer] of [
      ['"open', run(1), 400, "/Idempotency-Key"],
      ["two words", run(1), 400, "/Idempotency-Key"],
      ['""', run(1), 400, "/Idempotency-Key"],
      ["x".repeat(513), run(1), 400, "/Idempotency-Key"],
      ["mine", run(1, { idempotencyKey: "yours" }), 400, "/idempotencyKey"],
      ["mine", run(1, { singleton: true }), 400, "/singleton"],
    ] as const) {
      const problem = await problemIn(await api.post("/v1/runs", body, { "idempotency-key": header }));
      expect(problem).toMatchObject({
        status,
        errors: expect.arrayContaining([expect.objectContaining({ pointer })]),
      });
    }
  });

  it("have one run at a time, the last of many, or the first in a period", async () => {
    const api = apiOver(await open());
    await register(api.store);
    const alone = await submit(api, run(1, { singleton: true }));
    expect(await submit(api, run(2, { singleton: {} }))).toMatchObject({ id: alone.id, status: "existing" });
    await work(api.store);
    expect((await api.result(alone.id)).status).toBe(200);
    expect(await submit(api, run(2, { singleton: true }))).toMatchObject({ status: "created" });
    const late = { debounce: { key: "page", wait: "1h", max: "2h" } };
    const [a, b] = [await submit(api, run(1, late)), await submit(api, run(2, late))];
    expect(b).toMatchObject({ status: "created", state: "scheduled" });
    const gone = (await (await api.get(`/v1/runs/${a.id}`)).json()) as RunDetail;
    expect(gone).toMatchObject({
      state: "cancelled",
      replacedBy: b.id,
      key: { scope: "debounce", key: "page" },
    });
    const first = await submit(api, run(1, { throttle: { per: "1h" } }));
    expect(await submit(api, run(2, { throttle: { per: "1h" } }))).toMatchObject({ id: first.id });
  });

  it("come with each line of a bulk, which needs no id then", async () => {
    const api = apiOver(await open());
    await register(api.store);
    const lines = [
      run(1, { idempotencyKey: "k" }),
      run(1, { idempotencyKey: "k" }),
      run(2, { idempotencyKey: "k" }),
      run(3, { id: newId(), singleton: { mode: "reject" } }),
      run(4, { id: newId(), singleton: { mode: "reject" } }),
      run(5, { singleton: {} }),
    ];
    const body = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    const init = { method: "POST", body, headers: { "content-type": "application/x-ndjson" } };
    const text = await (await api.request("/v1/runs/bulk", init)).text();
    const answers = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as BulkAnswer);
    expect(answers.map((each) => (each.status === "refused" ? each.error.code : each.status))).toEqual([
      ...["created", "existing", "key-conflict", "created", "key-taken", "idempotency-key-missing"],
    ]);
    expect(answers[1]?.id).toBe(answers[0]?.id);
    expect(answers[4]).toMatchObject({ error: { facts: { holder: answers[3]?.id } } });
  });

  it("keep a run from being retried whose key another holds", async () => {
    const api = apiOver(await open());
    await register(api.store);
    const first = await submit(api, run(1, { singleton: true }));
    await api.post(`/v1/runs/${first.id}/cancel`);
    const second = await submit(api, run(1, { singleton: true }));
    const problem = await problemIn(await api.post(`/v1/runs/${first.id}/retry`));
    expect(problem).toMatchObject({ status: 409, code: "key-taken", facts: { holder: second.id } });
    await api.post(`/v1/runs/${second.id}/cancel`);
    expect((await api.post(`/v1/runs/${first.id}/retry`)).status).toBe(202);
  });

  it("starts that are past or too far off are refused, but a resend is not", async () => {
    const api = apiOver(await open());
    await register(api.store);
    for (const runAt of ["2000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]) {
      const problem = await problemIn(await api.post("/v1/runs", run(1, { runAt })));
      expect(problem).toMatchObject({ status: 422, code: "run-at-invalid" });
      expect(problem.detail).toMatch(/the store's clock says \d{4}-/);
    }
    const body = run(1, { id: newId(), runAt: new Date(Date.now() - 1_000).toISOString() });
    expect((await api.post("/v1/runs", body)).status).toBe(201);
    expect((await api.post("/v1/runs", body)).status).toBe(200);
  });
});

it("keys that cannot be are refused, naming the part", async () => {
  const api = apiOver(await openMemory());
  await register(api.store);
  for (const [more, pointer] of [
    [{ idempotencyKey: "" }, "/idempotencyKey"],
    [{ idempotencyKey: { key: "k", ttl: "-1s" } }, "/idempotencyKey/ttl"],
    [{ idempotencyKey: { key: "k", mode: "often" } }, "/idempotencyKey/mode"],
    [{ idempotencyKey: { key: "k", "a/b": 1 } }, "/idempotencyKey/a~1b"],
    [{ singleton: 1 }, "/singleton"],
    [{ debounce: { wait: 0 } }, "/debounce/wait"],
    [{ debounce: { wait: "1s" }, delay: "1s" }, "/debounce"],
    [{ debounce: { wait: "1h" }, deadline: "1s" }, "/deadline"],
    [{ throttle: {} }, "/throttle/per"],
    [{ throttle: { per: "1s" }, singleton: true }, "/throttle"],
  ] as const) {
    const problem = await problemIn(await api.post("/v1/runs", run(1, more)));
    expect(problem).toMatchObject({ status: 400, code: "body-invalid" });
    expect(problem.errors?.map((each) => each.pointer)).toContain(pointer);
  }
});
