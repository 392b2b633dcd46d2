import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { apiOver, newId, problemIn, register, type TestApi } from "./bench.js";
import { openMemory } from "./each-store.js";

const LIMITS = { bodyBytes: 4_096, bodyMs: 40 };

async function setUp(): Promise<TestApi> {
  const store = await openMemory();
  await register(store);
  return apiOver(store, { limits: LIMITS });
}

type Send = (
  api: TestApi,
  pieces: readonly (string | Uint8Array | null)[],
  headers?: Record<string, string>,
) => Promise<Response>;

/** Sends bytes, in pieces where there are several; `null` stands for a piece that never comes. */
const asWebStream: Send = async (api, pieces, headers = {}) => {
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const piece = pieces[at++];
      if (piece === undefined) controller.close();
      else if (piece === null) await new Promise(() => {});
      else controller.enqueue(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
    },
  });
  return await api.request("/v1/runs", {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
    duplex: "half",
  } as RequestInit);
};

/** The same as Node's server hands it on. */
const asNodeStream: Send = async (api, pieces, headers = {}) => {
  const incoming = new Readable({ read() {} });
  let isOpen = true;
  for (const piece of pieces) {
    if (piece === null) isOpen = false;
    else if (piece.length > 0) incoming.push(Buffer.from(piece as string));
  }
  if (isOpen) incoming.push(null);
  const request = new Request("http://localhost/v1/runs", {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
  });
  return await api.fetch(request, { incoming });
};

const submission = (input: string) => `{"task":"endless","input":${input}}`;
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

describe.each([
  ["a web stream", asWebStream],
  ["a stream of Node", asNodeStream],
])("a JSON body in %s", (_in, send) => {
  it("may be nested 64 deep, not deeper", async () => {
    const api = await setUp();
    expect((await send(api, [submission(nested(63))])).status).toBe(201);
    for (const depth of [64, 2_000]) {
      const problem = await problemIn(await send(api, [submission(nested(depth))]));
      expect(problem).toMatchObject({ status: 400, code: "body-invalid" });
      expect(problem.detail).toContain("nested deeper than 64");
    }
  });

  it.each([
    ["a repeated key", submission('{"a":1,"\\u0061":2}'), '"a"'],
    ["__proto__ as a key", submission('{"__proto__":{"admin":true}}'), "__proto__"],
    ["a number that would be rounded", submission("9007199254740993"), "rounded"],
    ["half of a surrogate pair", submission('"\\ud800"'), "surrogate"],
    ["what is no JSON", "{'dag':1}", "not JSON"],
    ["nothing at all", "", "not JSON"],
    ["a byte order mark", `\ufeff${submission("1")}`, "not JSON"],
  ])("is refused for %s", async (_what, body, why) => {
    const api = await setUp();
    const problem = await problemIn(await send(api, [body]));
    expect(problem).toMatchObject({ status: 400, code: "body-invalid" });
    expect(problem.detail).toContain(why);
    expect((await (await api.get("/v1/runs")).json()) as object).toEqual({ runs: [] });
  });

  it("is refused when it is not UTF-8", async () => {
    const api = await setUp();
    const bytes = new Uint8Array([
      ...Buffer.from('{"task":"endless","input":"'),
      0xc3,
      0x28,
      ...Buffer.from('"}'),
    ]);
    expect(await problemIn(await send(api, [bytes]))).toMatchObject({ status: 400, code: "body-invalid" });
  });

  it("is measured while it comes in, whatever its Content-Length says", async () => {
    const api = await setUp();
    const large = submission(`"${"x".repeat(5_000)}"`);
    for (const headers of [{}, { "content-length": "10" }, { "content-length": "5028" }] as Record<
      string,
      string
    >[])
      expect(
        await problemIn(await send(api, [large.slice(0, 3_000), large.slice(3_000)], headers)),
      ).toMatchObject({
        ...{ status: 413, code: "body-too-large" },
      });
    // Said to be larger than it may be: refused before a byte is read.
    const unread = await send(api, [null], { "content-length": "999999" });
    expect(await problemIn(unread)).toMatchObject({ status: 413 });
  });

  it("must be as long as it says", async () => {
    const api = await setUp();
    const body = submission("1");
    expect((await send(api, [body], { "content-length": String(body.length) })).status).toBe(201);
    for (const length of [body.length - 1, body.length + 1])
      expect(await problemIn(await send(api, [body], { "content-length": String(length) }))).toMatchObject({
        ...{ status: 400, code: "body-invalid" },
      });
    expect((await send(api, [body.slice(0, 5), body.slice(5)])).status).toBe(201);
  });

  it("must come in time, however it trickles", async () => {
    const api = await setUp();
    const answer = await send(api, [submission("1").slice(0, 9), null]);
    expect(await problemIn(answer)).toMatchObject({ status: 408, code: "body-timeout" });
  });

  it("is JSON and nothing else", async () => {
    const api = await setUp();
    const body = submission("1");
    for (const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "application/json; charset=latin1",
      "",
    ])
      expect(await problemIn(await send(api, [body], { "content-type": type }))).toMatchObject({
        ...{ status: 415, code: "media-type-unsupported" },
      });
    const gzip = await send(api, [gzipSync(body)], { "content-encoding": "gzip" });
    expect(await problemIn(gzip)).toMatchObject({ status: 415, code: "media-type-unsupported" });
    for (const type of ["application/json", "Application/JSON; charset=UTF-8"])
      expect((await send(api, [body], { "content-type": type, "content-encoding": "identity" })).status).toBe(
        201,
      );
  });
});

describe("a body that breaks off", () => {
  it("changes nothing", async () => {
    const api = await setUp();
    const id = newId();
    const start = `{"id":"${id}","task":"endless"`;
    const headers = { "content-type": "application/json" };
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(start));
        controller.error(new Error("gone"));
      },
    });
    const init = { method: "POST", body, headers, duplex: "half" } as RequestInit;
    expect(await problemIn(await api.request("/v1/runs", init))).toMatchObject({ code: "body-invalid" });

    const incoming = new Readable({ read() {} });
    incoming.push(start);
    const request = new Request("http://localhost/v1/runs", { method: "POST", headers });
    const answer = api.fetch(request, { incoming });
    incoming.destroy();
    expect(await problemIn(await answer)).toMatchObject({ status: 400, code: "body-invalid" });
    expect((await api.get(`/v1/runs/${id}`)).status).toBe(404);
  });
});
