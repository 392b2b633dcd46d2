import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { Server } from "node:http";
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
async function raw({ port, host }: JobbersServer, text: string): Promise<string> {
  const socket = openSocket({ port, host });
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

  it("may be called by the address of this machine that it listens at", async () => {
    const server = await serve({ host: "127.0.0.2" });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect((await fetch(`http://127.0.0.2:${server.port}/healthz`)).status).toBe(200);
    const foreign = await raw(server, "GET /healthz HTTP/1.0\r\nHost: jobs.example.org\r\n\r\n");
    expect(foreign).toMatch(/^HTTP\/1\.1 421 /);
  });

  it("leaves fetch and its classes to the tasks of its process as they were", async () => {
    const server = await serve();
    await serve();
    const answer = await fetch(new Request(`${server.url}/healthz`));
    for (const each of [answer, answer.clone(), new Response("x"), Response.json({})])
      expect(each).toBeInstanceOf(Response);
    expect(new Request(server.url)).toBeInstanceOf(Request);
    expect({}).not.toBeInstanceOf(Response);
    class Own extends Response {}
    expect(new Own()).toBeInstanceOf(Own);
    expect(new Own()).toBeInstanceOf(Response);
    expect(answer).not.toBeInstanceOf(Own);
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
    const server = await serve();
    const large = await raw(server, `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}`);
    expect(large).toMatch(/^HTTP\/1\.1 431 /);
    const slow = await raw(server, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ");
    expect(slow).toMatch(/^HTTP\/1\.1 408 /);
  });

  it("hangs up on who is answered and still sends", async () => {
    const server = await serve();
    const head = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
    const lengths = ["Content-Length: 9", "Transfer-Encoding: chunked"];
    const answers = await Promise.all(lengths.map((length) => raw(server, `${head}${length}\r\n\r\n`)));
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("gives a body of many lines all the time it takes", async () => {
    const servers: Server[] = [];
    const seen = (message: unknown) => void servers.push((message as { server: Server }).server);
    subscribe("http.server.request.start", seen);
    onTestFinished(() => void unsubscribe("http.server.request.start", seen));
    await fetch(`${(await serve()).url}/healthz`);
    // Node would cut off a request that takes longer as a whole; to see that happen takes a minute.
    expect(servers.map(({ requestTimeout }) => requestTimeout)).toEqual([0]);
  });
});
