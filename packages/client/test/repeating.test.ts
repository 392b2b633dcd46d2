import { afterEach, describe, expect, it, vi } from "vitest";
import { createClient, JobbersHttpError } from "../src/index.js";

afterEach(() => void vi.useRealTimers());

type Reply = (request: Request) => Response | Promise<Response>;

/** A server that answers with one reply after the other, the last one for ever, and keeps what it was sent. */
function scripted(...replies: Reply[]) {
  const seen: { method: string; path: string; body: string; headers: Headers }[] = [];
  const fetch = async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    seen.push({
      method: request.method,
      path: pathname + search,
      body: await request.text(),
      headers: request.headers,
    });
    const reply = replies.length > 1 ? replies.shift() : replies[0];
    return (reply as Reply)(request);
  };
  return { fetch, seen };
}

const json =
  (value: unknown, init: ResponseInit = {}) =>
  () =>
    Response.json(value, init);
const problem = (status: number, code: string, more: object = {}, headers: Record<string, string> = {}) =>
  json({ type: "", title: "", status, detail: `it is ${code}`, code, ...more }, { status, headers });
const cut = () => Promise.reject(new TypeError("fetch failed", { cause: new Error("socket hang up") }));
const dag = { kind: "dag", name: "crawl" } as never;
const bodies = (seen: readonly { body: string }[]) =>
  seen.map(({ body }) => JSON.parse(body) as { id: string });

describe("a request that fails on the way", () => {
  it("is sent again with the same id, until it is answered", async () => {
    const { fetch, seen } = scripted(cut, problem(503, "store-busy"), json({ id: "x", status: "created" }));
    const run = await createClient({ fetch }).submit(dag, { a: 1 });
    expect(seen).toHaveLength(3);
    expect(new Set(bodies(seen).map(({ id }) => id)).size).toBe(1);
    expect(bodies(seen)[0]).toMatchObject({ dag: "crawl", input: { a: 1 } });
    // The run is the one that is answered: another may hold the key.
    expect(run.id).toBe("x");
  });

  it("names the fence of the step from which a run is retried, so that it is done once", async () => {
    const { fetch, seen } = scripted(json({ fence: 3 }), cut, json({ id: "x", status: "retried" }));
    expect(await createClient({ fetch }).run("x").retry({ from: "a[1]" })).toBe("retried");
    expect(seen.map(({ path }) => path)).toEqual([
      ...["/v1/runs/x/steps/a%5B1%5D", "/v1/runs/x/retry", "/v1/runs/x/retry"],
    ]);
    for (const { body } of seen.slice(1)) expect(JSON.parse(body)).toEqual({ from: "a[1]", fence: 3 });
    // A name of many steps has no record.
    const many = scripted(problem(404, "step-unknown"), json({ id: "x", status: "retried" }));
    expect(await createClient({ fetch: many.fetch }).run("x").retry({ from: "a" })).toBe("retried");
    expect(many.seen.at(-1)?.body).toBe('{"from":"a"}');
  });

  it("is sent again when the answer breaks off", async () => {
    const { fetch, seen } = scripted(
      () => new Response('{"queues":[', { headers: { "content-type": "application/json" } }),
      json({ queues: [] }),
    );
    expect(await createClient({ fetch }).queues()).toEqual([]);
    expect(seen).toHaveLength(2);
  });

  it.each([408, 429, 500, 502, 503, 504])("is sent again after %d that says nothing else", async (status) => {
    const { fetch, seen } = scripted(() => new Response("<html>", { status }), json({ queues: [] }));
    expect(await createClient({ fetch }).queues()).toEqual([]);
    expect(seen).toHaveLength(2);
  });

  it.each([
    [400, "body-invalid"],
    [401, "unauthorized"],
    [404, "run-unknown"],
    [409, "run-conflict"],
    [422, "input-invalid"],
    [500, "internal"],
    [503, "not-replicated"],
  ])("is not sent again after %d %s", async (status, code) => {
    const { fetch, seen } = scripted(problem(status, code));
    const refused = createClient({ fetch }).submit(dag, {});
    await expect(refused).rejects.toMatchObject({ name: "JobbersHttpError", status, code });
    expect(seen).toHaveLength(1);
  });

  it("waits as long as the server asks for", async () => {
    vi.useFakeTimers();
    const { fetch, seen } = scripted(
      problem(503, "store-busy", {}, { "retry-after": "7" }),
      json({ queues: [] }),
    );
    const asked = createClient({ fetch }).queues();
    await vi.advanceTimersByTimeAsync(6_990);
    expect(seen).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await asked).toEqual([]);
  });

  it("is given up when its time is over, with what was wrong last", async () => {
    vi.useFakeTimers();
    const { fetch, seen } = scripted(cut);
    const client = createClient({ fetch, url: "http://jobs.example:1", timeoutMs: 20_000 });
    const asked = client.queues().catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(20_000);
    const error = (await asked) as JobbersHttpError;
    expect(error).toBeInstanceOf(JobbersHttpError);
    expect(error).toMatchObject({ code: "server-unreachable", status: undefined });
    expect(error.message).toBe("the server at http://jobs.example:1 cannot be reached: socket hang up");
    expect(seen.length).toBeGreaterThan(5);
    expect(seen.length).toBeLessThan(20);
  });

  it("does not wait for ever on a connection that went dead", async () => {
    vi.useFakeTimers();
    const never: Reply = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const { fetch, seen } = scripted(never, json({ queues: [] }));
    const asked = createClient({ fetch }).queues();
    await vi.advanceTimersByTimeAsync(10_500);
    expect(await asked).toEqual([]);
    expect(seen).toHaveLength(2);
  });

  it("ends at once when the caller's signal aborts, with its reason", async () => {
    const { fetch } = scripted(cut);
    const leaving = new AbortController();
    const waiting = createClient({ fetch })
      .run("01ARZ3NDEKTSV4RRFFQ69G5FAV")
      .result({ signal: leaving.signal });
    leaving.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });
});

describe("what is sent", () => {
  it("carries the token, and options in the form of the API", async () => {
    const { fetch, seen } = scripted(json({ kind: "task", name: "read" }), json({ status: "created" }));
    const client = createClient({ fetch, token: "jb_a_0123456789abcdef" });
    await client.submit("read", { url: "u" }, { runAt: new Date(0), tags: ["a"], keep: "1d", priority: 9 });
    expect(seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /v1/dags/read",
      "POST /v1/runs",
    ]);
    expect(seen[1]?.headers.get("authorization")).toBe("Bearer jb_a_0123456789abcdef");
    expect(JSON.parse(seen[1]?.body as string)).toEqual({
      id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      task: "read",
      input: { url: "u" },
      priority: 9,
      runAt: "1970-01-01T00:00:00.000Z",
      tags: ["a"],
      keep: "1d",
    });
  });

  it("has ids that only grow", async () => {
    const { fetch, seen } = scripted(json({ status: "created" }));
    const client = createClient({ fetch });
    for (let i = 0; i < 50; i++) await client.submit(dag, {});
    const ids = bodies(seen).map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].sort());
  });

  it("asks once what a name stands for", async () => {
    const { fetch, seen } = scripted(json({ kind: "dag", name: "crawl" }), json({ status: "created" }));
    const client = createClient({ fetch });
    await client.submit("crawl");
    await client.submit("crawl");
    expect(seen.map(({ method }) => method)).toEqual(["GET", "POST", "POST"]);
  });
});

describe("a refusal", () => {
  it("carries code, status, detail, pointers and facts", async () => {
    const errors = [{ pointer: "/input/url", detail: "is missing" }];
    const { fetch } = scripted(problem(422, "input-invalid", { errors, facts: { a: 1 } }));
    const error = await createClient({ fetch })
      .submit(dag, {})
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      ...{
        code: "input-invalid",
        status: 422,
        detail: "it is input-invalid",
        message: "it is input-invalid",
      },
      ...{ pointers: errors, facts: { a: 1 } },
    });
  });

  it("of something that answers with success, and not in JSON, is told at once", async () => {
    const page = () => new Response("<h1>Log in</h1>", { headers: { "content-type": "text/html" } });
    const { fetch, seen } = scripted(page);
    const client = createClient({ fetch });
    const refused = { code: "answer-unexpected", status: 200, message: expect.stringContaining("text/html") };
    await expect(client.queues()).rejects.toMatchObject(refused);
    expect(await client.submitMany(dag, [{ input: 1 }])).toMatchObject([{ error: refused }]);
    const events = client.events()[Symbol.asyncIterator]();
    await expect(events.next()).rejects.toMatchObject(refused);
    expect(seen).toHaveLength(3);
  });

  it("of something that is no server of Jobbers says so", async () => {
    const { fetch } = scripted(() => new Response("<h1>Not here</h1>", { status: 404 }));
    await expect(createClient({ fetch }).queues()).rejects.toMatchObject({
      code: "answer-unexpected",
      status: 404,
    });
  });
});

describe("submitMany", () => {
  const ndjson = (text: string) =>
    new Response(text, { headers: { "content-type": "application/x-ndjson" } });
  const echo: Reply = (request) => {
    const lines = (seenText.get(request) ?? "").split("\n").filter(Boolean);
    const answers = lines.map((line, i) => {
      const { id } = JSON.parse(line) as { id: string };
      return JSON.stringify({ line: i + 1, id, status: "created", state: "running" });
    });
    return ndjson(`${answers.join("\n")}\n`);
  };
  const seenText = new WeakMap<Request, string>();
  const reading = (reply: Reply) => async (request: Request) => {
    const text = await request.clone().text();
    seenText.set(request, text);
    return reply(request);
  };

  it("sends chunks of lines with ids, and answers in order", async () => {
    const sizes: number[] = [];
    const fetch = reading((request) => {
      sizes.push((seenText.get(request) ?? "").split("\n").filter(Boolean).length);
      return echo(request);
    });
    const items = Array.from({ length: 1_201 }, (_, n) => ({ input: { n } }));
    const many = await createClient({ fetch }).submitMany(dag, items);
    expect(sizes.sort((a, b) => b - a)).toEqual([500, 500, 201]);
    const ids = many.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(many.every(({ status }) => status === "created")).toBe(true);
  });

  it("sends a chunk again whose answer breaks off, and lines that the store was too busy for", async () => {
    let call = 0;
    const sent: string[][] = [];
    const fetch = reading(async (request) => {
      const lines = (seenText.get(request) ?? "").split("\n").filter(Boolean);
      sent.push(lines.map((line) => (JSON.parse(line) as { id: string }).id));
      call += 1;
      const whole = await (await echo(request)).text();
      // It breaks off between two lines, so that what came is good JSON.
      if (call === 1) return ndjson(`${whole.split("\n")[0]}\n`);
      if (call > 2) return ndjson(whole);
      const [first, ...rest] = whole.trimEnd().split("\n");
      const { id } = JSON.parse(first as string) as { id: string };
      const error = { status: 503, code: "store-busy", detail: "busy", title: "", type: "" };
      return ndjson([JSON.stringify({ line: 1, id, status: "refused", error }), ...rest].join("\n"));
    });
    const many = await createClient({ fetch }).submitMany(dag, [{ input: 1 }, { input: 2 }]);
    expect(many.map(({ status }) => status)).toEqual(["created", "created"]);
    expect(sent).toEqual([many.map(({ id }) => id), many.map(({ id }) => id), [many[0]?.id]]);
  });

  it("tells of each item that is refused, also when nobody is there", async () => {
    const fetch = reading(() => problem(500, "internal")());
    const many = await createClient({ fetch }).submitMany(dag, [
      { input: 1, id: "01ARZ3NDEKTSV4RRFFQ69G5FAV" },
    ]);
    expect(many).toEqual([
      {
        id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        status: "refused",
        error: expect.objectContaining({ code: "internal" }),
      },
    ]);
  });
});

describe("what cannot be sent", () => {
  const circular: Record<string, unknown> = {};
  circular.itself = circular;
  const sparse = new Array<number>(2);
  sparse[1] = 1;

  it.each([
    ["NaN", { list: [1, Number.NaN] }, "input.list[1] is NaN"],
    ["an infinity", { a: { "b c": Number.POSITIVE_INFINITY } }, 'input.a["b c"] is Infinity'],
    ["a BigInt", { n: 1n }, "input.n is a BigInt; write it as text"],
    ["a Map", new Map([[1, 2]]), "input is a Map"],
    ["a Date", { when: new Date(0) }, "input.when is a Date"],
    ["undefined in a list", [undefined], "input[0] is undefined"],
    ["a hole", sparse, "input[0] is undefined"],
    ["a function", { f: () => 1 }, "input.f is a function"],
    ["a symbol", { s: Symbol("s") }, "input.s is a symbol"],
    ["a key that is a symbol", { [Symbol("s")]: 1 }, "input has a symbol as a key"],
    ["toJSON", { o: { toJSON: () => 1 } }, "input.o has a toJSON method"],
    ["a cycle", circular, expect.stringMatching(/is nested deeper than 64 levels, or is a cycle$/)],
  ])(
    "is %s in an input, which is refused by its place and reaches no server",
    async (_what, input, detail) => {
      const { fetch, seen } = scripted(json({}));
      const client = createClient({ fetch });
      const refused = { name: "JobbersHttpError", code: "not-json", detail };
      await expect(client.submit(dag, input)).rejects.toMatchObject(refused);
      expect(seen).toEqual([]);
    },
  );

  it("of many items keeps none of the others from being sent", async () => {
    const answer = { line: 1, id: "x", status: "created", state: "running" };
    const { fetch, seen } = scripted(json(answer));
    const many = await createClient({ fetch }).submitMany(dag, [
      { input: { n: 1n } },
      { input: 2 },
      { input: 3, runAt: Number.NaN },
    ]);
    expect(many.map(({ status }) => status)).toEqual(["refused", "created", "refused"]);
    expect(many[0]).toMatchObject({
      error: { code: "not-json", pointers: [{ pointer: "/input/n", detail: expect.any(String) }] },
    });
    expect(many[2]).toMatchObject({ error: expect.any(RangeError) });
    expect(seen).toHaveLength(1);
  });

  it("is none of what JSON writes as it is, and of what is left out everywhere", async () => {
    const { fetch, seen } = scripted(json({ status: "created" }));
    const input = { a: [1, "2", null, true, [[]]], gone: undefined, plain: Object.create(null) as object };
    await createClient({ fetch }).submit(dag, input);
    expect(bodies(seen)[0]).toMatchObject({ input: { a: [1, "2", null, true, [[]]], plain: {} } });
  });

  it.each([
    ["nonsense", 'url is "nonsense", no address of a server; it takes http://HOST:PORT or https://HOST'],
    ["ftp://jobs.example", /no address of a server/],
    ["", /no address of a server/],
    ["me:hidden@jobs.example:1", /^url is no address of a server/],
    ["http://me:hidden@jobs.example:1", "url has a user or a password in it; give a token instead"],
    ["http://jobs.example/?token=hidden", /^url ends in a query/],
  ])("is the address %j, which a client is not made with", (url, message) => {
    const make = () => createClient({ url, fetch: json({}) });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
    expect(make).not.toThrow(/hidden/);
  });

  it("is a token with a line break or an umlaut, which no message shows", () => {
    for (const token of ["jb_ci_hidden\nhidden", "jb_ci_hidden–", " "]) {
      const make = () => createClient({ token, fetch: json({}) });
      expect(make).toThrow(TypeError);
      expect(make).not.toThrow(/hidden/);
    }
  });

  it("does not count the line break that a file with a token ends in", async () => {
    const { fetch, seen } = scripted(json({ queues: [] }));
    await createClient({ token: "jb_ci_0123456789abcdef\n", fetch }).queues();
    expect(seen[0]?.headers.get("authorization")).toBe("Bearer jb_ci_0123456789abcdef");
  });
});
