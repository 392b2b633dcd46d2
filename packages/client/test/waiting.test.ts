import { createServer, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { createClient } from "../src/index.js";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** A server that accepts, says what it is given to say, and then nothing. */
async function silentServer(says = "") {
  const sockets = new Set<Socket>();
  const heard: (() => void)[] = [];
  const asked = new Promise<void>((resolve) => heard.push(resolve));
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    socket.once("data", () => {
      socket.write(says);
      for (const tell of heard) tell();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as { port: number }).port}`, asked };
}

/** Collects garbage again and again until the test ends; answers how to wait until that was done so many times more. */
function tidyAllTheTime(): (times: number) => Promise<void> {
  setFlagsFromString("--expose-gc");
  const tidy = runInNewContext("gc") as () => void;
  const watching = new Set<() => void>();
  const tidying = setInterval(() => {
    tidy();
    for (const watch of watching) watch();
  }, 10);
  onTestFinished(() => clearInterval(tidying));
  return (times) =>
    new Promise((resolve) => {
      let left = times;
      const watch = () => {
        left -= 1;
        if (left > 0) return;
        watching.delete(watch);
        resolve();
      };
      watching.add(watch);
    });
}

const halfAnAnswer =
  'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"state":';

describe.each([
  ["never answers", ""],
  ["stops in the middle of its answer", halfAnAnswer],
])("with a server that %s, however often memory is tidied", (_how, says) => {
  it("a call ends in time", { timeout: 5_000 }, async () => {
    tidyAllTheTime();
    const { url } = await silentServer(says);
    const asked = createClient({ url, timeoutMs: 400 }).queues();
    await expect(asked).rejects.toMatchObject({ code: "server-unreachable" });
  });

  it("a call ends with the caller's signal", { timeout: 5_000 }, async () => {
    const tidied = tidyAllTheTime();
    const { url, asked } = await silentServer(says);
    const leaving = new AbortController();
    const waiting = createClient({ url }).run(ID).result({ signal: leaving.signal });
    const refused = expect(waiting).rejects.toThrow("enough");
    await asked;
    await tidied(10);
    leaving.abort(new Error("enough"));
    await refused;
  });
});

it("every call of a run ends with its signal", async () => {
  const never = ({ signal }: Request) =>
    new Promise<Response>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const client = createClient({ fetch: never });
  const run = client.run(ID, "crawl");
  for (const call of [
    ...[run.result, run.status, run.detail, run.cancel, run.retry, run.progress],
    (options: { signal: AbortSignal }) => run.explain(undefined, options),
    (options: { signal: AbortSignal }) => run.step("fetch", options),
    (options: { signal: AbortSignal }) => client.submit("crawl", {}, options),
  ]) {
    const leaving = new AbortController();
    const waiting = call({ signal: leaving.signal });
    leaving.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  }
});

describe("a wait for a result", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("outlives a server that is away for a while, however late into the wait", async () => {
    const awayMs = 4_000;
    let awayUntil = Number.POSITIVE_INFINITY;
    let calls = 0;
    const fetch = async ({ signal }: Request) => {
      calls += 1;
      if (calls === 1) {
        // The server takes its leave 25 s into the wait.
        await new Promise((resolve) => setTimeout(resolve, 25_000));
        awayUntil = performance.now() + awayMs;
      }
      if (performance.now() < awayUntil) throw new TypeError("fetch failed");
      // It waits by request, as long as before.
      await new Promise((resolve, reject) => {
        setTimeout(resolve, 29_000);
        signal.addEventListener("abort", () => reject(signal.reason));
      });
      return Response.json({ state: "succeeded", output: 7 });
    };
    const result = createClient({ fetch, timeoutMs: 5_000 }).run(ID).result();
    const ended = result.catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(70_000);
    expect(await ended).toBe(7);
  });

  it("is given up when the server stays away", async () => {
    const away = () => Promise.reject(new TypeError("fetch failed"));
    const ended = createClient({ fetch: away, timeoutMs: 5_000 })
      .run(ID)
      .result()
      .catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await ended).toMatchObject({ code: "server-unreachable" });
  });
});
