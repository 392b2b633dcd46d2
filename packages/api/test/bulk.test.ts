import { describe, expect, it } from "vitest";
import type { BulkAnswer, RunPage } from "../src/index.js";
import { apiOver, newId, problemIn, register, type TestApi } from "./bench.js";
import { onEachStore, openMemory } from "./each-store.js";

const TYPE = { "content-type": "application/x-ndjson" };
const KEY = { "idempotency-key": "a-key-of-16-chars" };

async function bulk(
  api: TestApi,
  body: string | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
): Promise<Response> {
  const init = { method: "POST", body, headers: { ...TYPE, ...headers }, duplex: "half" } as RequestInit;
  return await api.request("/v1/runs/bulk", init);
}

async function answersOf(answer: Response): Promise<BulkAnswer[]> {
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
  const text = await answer.text();
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as BulkAnswer);
}

const line = (n: number, more: object = {}) => JSON.stringify({ task: "double", input: { n }, ...more });

onEachStore("POST /v1/runs/bulk", (open) => {
  it("answers each line by a line, in order, and goes on behind a bad one", async () => {
    const api = apiOver(await open());
    await register(api.store);
    const [one, two] = [newId(), newId()];
    const lines = [
      line(1, { id: one }),
      "{nonsense",
      line(2, { id: one }),
      "",
      JSON.stringify({ id: two, dag: "chain", input: { n: "x" } }),
      JSON.stringify({ id: newId(), dag: "unheard-of" }),
      line(1, { id: one }),
      JSON.stringify({ id: two, dag: "chain", input: { n: 1 } }),
      line(9),
    ];
    const answers = await answersOf(await bulk(api, lines.join("\n")));
    expect(answers.map(({ line, status }) => [line, status])).toEqual([
      ...[
        [1, "created"],
        [2, "refused"],
        [3, "refused"],
        [5, "refused"],
        [6, "refused"],
        [7, "existing"],
      ],
      ...[
        [8, "created"],
        [9, "refused"],
      ],
    ]);
    const codes = answers.map((each) => (each.status === "refused" ? each.error.code : each.id));
    expect(codes).toEqual([
      ...[one, "body-invalid", "run-conflict", "input-invalid", "workflow-unknown", one, two],
      "idempotency-key-missing",
    ]);
    expect(answers[2]).toMatchObject({ id: one, error: { id: one } });
  });

  it("names the same runs when it is sent again with the same key", async () => {
    const api = apiOver(await open());
    await register(api.store);
    const body = Array.from({ length: 600 }, (_, n) => `${line(n)}\r\n`).join("");
    const first = await answersOf(await bulk(api, body, KEY));
    expect(first.every(({ status }) => status === "created")).toBe(true);
    const again = await answersOf(await bulk(api, body, KEY));
    expect(again.map(({ id, status }) => [id, status])).toEqual(first.map(({ id }) => [id, "existing"]));
    const other = await answersOf(await bulk(api, line(0), { "idempotency-key": "another-key-of-it" }));
    expect(other).toMatchObject([{ status: "created" }]);
    expect(new Set([...first, ...other].map(({ id }) => id)).size).toBe(601);
    expect((await problemIn(await bulk(api, body, { "idempotency-key": "short" }))).status).toBe(400);
  });
});

describe("a bulk body", () => {
  it("may come in any pieces", async () => {
    const api = apiOver(await openMemory());
    await register(api.store);
    const bytes = new TextEncoder().encode(
      Array.from({ length: 20 }, (_, n) => `${line(n, { tags: ["ü€😀"] })}\n`).join(""),
    );
    for (const size of [1, 7, 64, 1_000_000]) {
      let at = 0;
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (at >= bytes.length) return controller.close();
          controller.enqueue(bytes.subarray(at, at + size));
          at += size;
        },
      });
      const answers = await answersOf(await bulk(api, body, KEY));
      expect(answers.map(({ line }) => line)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
      expect(answers.filter(({ status }) => status === "refused")).toEqual([]);
    }
    const { runs } = (await (await api.get("/v1/runs?tag=ü€😀")).json()) as RunPage;
    expect(runs).toHaveLength(20);
  });

  it("has a line refused that is too long, and only that one", async () => {
    const api = apiOver(await openMemory(), { limits: { bodyBytes: 2_000 } });
    await register(api.store);
    const long = line(2, { tags: [`${"x".repeat(5_000)}`] });
    const answers = await answersOf(await bulk(api, [line(1), long, line(3)].join("\n"), KEY));
    expect(answers).toMatchObject([
      { status: "created" },
      { line: 2, error: { code: "body-too-large" } },
      { status: "created" },
    ]);
  });

  it("is answered line by line, to who waits for each answer before the next line", async () => {
    const api = apiOver(await openMemory());
    await register(api.store);
    let sender!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        sender = controller;
      },
    });
    const answer = await bulk(api, body, KEY);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    for (const n of [1, 2, 3]) {
      sender.enqueue(new TextEncoder().encode(`${line(n)}\n`));
      const { value } = await reader.read();
      expect(JSON.parse(new TextDecoder().decode(value))).toMatchObject({ line: n, status: "created" });
    }
    sender.close();
    expect((await reader.read()).done).toBe(true);
  });

  it("is read no faster than its answers are taken", async () => {
    const api = apiOver(await openMemory());
    await register(api.store);
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled++;
          controller.enqueue(new TextEncoder().encode(`${line(pulled)}\n`));
        },
      },
      { highWaterMark: 0 },
    );
    const answer = await bulk(api, body, KEY);
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    for (let i = 0; i < 5; i++) await reader.read();
    for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(pulled).toBeLessThan(30);
    await reader.cancel();
  });

  it("that falls silent is ended by a line that says so", async () => {
    const api = apiOver(await openMemory(), { limits: { silenceMs: 30 } });
    await register(api.store);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(`${line(1)}\n{"half`)),
    });
    const answers = await answersOf(await bulk(api, body, KEY));
    expect(answers).toMatchObject([
      { line: 1, status: "created" },
      { line: 2, status: "refused", error: { code: "body-timeout" } },
    ]);
  });

  it("is NDJSON, not compressed", async () => {
    const api = apiOver(await openMemory());
    expect(await problemIn(await bulk(api, line(1), { "content-type": "application/json" }))).toMatchObject({
      status: 415,
    });
    expect(await problemIn(await bulk(api, line(1), { "content-encoding": "br" }))).toMatchObject({
      status: 415,
    });
    expect(await answersOf(await bulk(api, "\n \r\n\n"))).toEqual([]);
  });
});
