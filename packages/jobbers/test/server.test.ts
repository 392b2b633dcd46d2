import { once } from "node:events";
import { connect as openSocket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { connect } from "../src/index.js";
import { type JobbersServer, type ServerOptions, startServer } from "../src/server/server.js";

async function serve(options: Partial<ServerOptions> = {}): Promise<JobbersServer> {
  const jobbers = await connect("memory:");
  onTestFinished(() => jobbers.close());
  const server = await startServer({ store: jobbers.store, port: 0, ...options });
  onTestFinished(() => server.stop(0));
  return server;
}

/** Sends raw text, and answers all that came back when the server has closed the connection. */
async function raw(port: number, text: string): Promise<string> {
  const socket = openSocket({ port, host: "127.0.0.1" });
  let answer = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    answer += chunk;
  });
  socket.write(text);
  await once(socket, "close");
  return answer;
}

describe("a server", () => {
  it("picks a free port, answers there, and is gone after its stop", async () => {
    const server = await serve();
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    await server.stop();
    await expect(fetch(`${server.url}/readyz`)).rejects.toThrow();
  });

  it("names the next free port when its own is taken", async () => {
    const { port } = await serve();
    await expect(serve({ port })).rejects.toThrow(
      new RegExp(`^port ${port} at 127\\.0\\.0\\.1 is taken; (\\d+ is free, and )?0 picks a free one$`),
    );
  });

  it.each(["0.0.0.0", "::", "192.168.0.1", "jobs.example.org", "127.0.0.1.example.org"])(
    "does not start at %s without a token",
    async (host) => {
      const refused = serve({ host });
      await expect(refused).rejects.toThrow(/can be reached from other machines.*JOBBERS_TOKENS/);
      await expect(refused).rejects.toMatchObject({ code: "flag-invalid" });
    },
  );

  it("asks for the token, by whatever name it is called", async () => {
    const token = "jb_ci_0123456789abcdef";
    const server = await serve({ host: "0.0.0.0", tokens: [token] });
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`);
    expect((await fetch(`${server.url}/v1/runs`)).status).toBe(401);
    const headers = { authorization: `Bearer ${token}`, host: "jobs.example.org" };
    expect((await fetch(`${server.url}/v1/runs`, { headers })).status).toBe(200);
  });

  it("ends the streams of events when it stops, and answers what was asked", async () => {
    const server = await serve();
    const stream = await fetch(`${server.url}/v1/events`);
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    expect((await reader.read()).done).toBe(false);
    const stopped = server.stop(60_000);
    // An end, and no error: the client comes back by itself.
    expect((await reader.read()).done).toBe(true);
    await stopped;
  });

  it("hangs up on who does not finish a request, and refuses headers without end", async () => {
    const { port } = await serve();
    const large = await raw(port, `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}`);
    expect(large).toMatch(/^HTTP\/1\.1 431 /);
    const slow = await raw(port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ");
    expect(slow).toMatch(/^HTTP\/1\.1 408 /);
  });
});
