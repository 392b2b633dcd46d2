import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createClient, type RunEvent } from "../src/index.js";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const run = {
  id: ID,
  kind: "dag",
  name: "crawl",
  version: "v",
  state: "running",
  createdAt: at(0),
  steps: [],
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function at(ms: number) {
  return new Date(ms).toISOString();
}

const message = (id: number, event: string, data: object) =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify({ type: event, run: ID, at: at(id), ...data })}\n\n`;

/** A stream of texts that breaks off, or ends, or goes on for ever. */
function streamOf(text: string, end: "cut" | "close" | "open") {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      if (end === "close") controller.close();
    },
    pull(controller) {
      if (end === "cut") controller.error(new Error("socket hang up"));
      else if (end === "open") return new Promise(() => undefined);
    },
  });
}

/** Takes events while the clock runs. */
async function take(events: AsyncIterable<RunEvent>, upTo = 1_000) {
  const taken: RunEvent[] = [];
  let done = false;
  const taking = (async () => {
    for await (const event of events) if (taken.push(event) === upTo) break;
    done = true;
  })();
  // It is awaited when the clock has run.
  taking.catch(() => undefined);
  for (let i = 0; i < 1_000 && !done; i++) await vi.advanceTimersByTimeAsync(1_000);
  await taking;
  return taken;
}

describe("the events of a run", () => {
  it("come each once and in order, wherever the connection breaks off", async () => {
    const feed = Array.from({ length: 12 }, (_, i) =>
      message(i + 1, i === 11 ? "run.ended" : "steps", { detail: { n: i } }),
    );
    const cuts = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 400 }), fc.constantFrom("cut", "close", "503")),
      {
        maxLength: 8,
      },
    );
    await fc.assert(
      fc.asyncProperty(cuts, async (plan) => {
        const left = [...plan];
        const fetch = (request: Request) => {
          const last = Number(request.headers.get("last-event-id") ?? 0);
          const head = last === 0 ? `id: 0\nevent: snapshot\ndata: ${JSON.stringify({ run })}\n\n` : "";
          const whole = `:\n\n${head}${feed.slice(last).join("")}`;
          const [length, how] = left.shift() ?? [whole.length, "close"];
          if (how === "503") return new Response("", { status: 503 });
          return new Response(streamOf(whole.slice(0, length), how as "cut" | "close"));
        };
        const taken = await take(createClient({ fetch }).run(ID).events());
        // A break before the first id leaves a gap; nothing else does.
        const told = taken.flatMap((event) => (event.type === "gap" ? [] : [event.detail]));
        expect(told).toEqual(feed.map((_, n) => ({ n })));
      }),
      { numRuns: 60 },
    );
  });

  it("end with run.ended, also when that was told on a connection that broke", async () => {
    const replies = [
      () => new Response(streamOf(message(4, "steps", {}), "cut")),
      () => new Response(null, { status: 204 }),
      () => Response.json({ ...run, state: "failed", endedAt: at(99) }),
    ];
    const fetch = () => (replies.shift() as () => Response)();
    const taken = await take(createClient({ fetch }).run(ID).events());
    expect(taken).toEqual([
      { type: "steps", atMs: 4 },
      { type: "run.ended", atMs: 99, detail: { state: "failed" } },
    ]);
  });

  it("have a gap where the server or a break without ids left one", async () => {
    const replies = [
      () => new Response(streamOf("event: snapshot\ndata: {}\n\n", "cut")),
      () => new Response(streamOf("event: gap\ndata: {}\n\n", "cut")),
      () => new Response(streamOf(message(9, "run.ended", {}), "open")),
    ];
    const fetch = () => (replies.shift() as () => Response)();
    const taken = await take(createClient({ fetch }).run(ID).events());
    expect(taken.map(({ type }) => type)).toEqual(["gap", "gap", "gap", "run.ended"]);
  });

  it("come back from a connection that has gone silent", async () => {
    const replies = [
      () => new Response(streamOf(message(1, "steps", {}), "open")),
      () => new Response(streamOf(message(2, "run.ended", {}), "open")),
    ];
    const fetch = () => (replies.shift() as () => Response)();
    const taken = await take(createClient({ fetch }).run(ID).events());
    expect(taken.map(({ type }) => type)).toEqual(["steps", "run.ended"]);
  });

  it("are not asked for again and again where the server wants to be left alone for a month", async () => {
    let calls = 0;
    const away = () => new Response("", { status: 503, headers: { "retry-after": `${31 * 86_400}` } });
    const fetch = () =>
      calls++ === 0 ? new Response(streamOf(message(1, "steps", {}), "close")) : calls < 4 ? away() : end();
    const end = () => new Response(streamOf(message(2, "run.ended", {}), "open"));
    const leaving = new AbortController();
    const taking = take(createClient({ fetch }).run(ID).events({ signal: leaving.signal })).catch(
      () => undefined,
    );
    await vi.advanceTimersByTimeAsync(60_000);
    expect(calls).toBe(2);
    await vi.advanceTimersByTimeAsync(3 * 3_600_000);
    expect(await taking).toHaveLength(2);
  });

  it("end with the signal's reason, and with the refusal of the first connection", async () => {
    const leaving = new AbortController();
    const fetch = () => new Response(streamOf(message(1, "steps", {}), "open"));
    const events = createClient({ fetch }).run(ID).events({ signal: leaving.signal });
    const taking = take(events).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(10);
    leaving.abort(new Error("enough"));
    expect(await taking).toMatchObject({ message: "enough" });

    const refused = () => Response.json({ code: "run-unknown", detail: "no run" }, { status: 404 });
    const unknown = take(createClient({ fetch: refused }).run(ID).events());
    await expect(unknown).rejects.toMatchObject({ code: "run-unknown" });
  });
});
