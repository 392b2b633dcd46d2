import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";

/** Stands between clients and a server, and spoils what passes. */
export interface TcpProxy {
  readonly port: number;
  /** From now on nothing passes in either direction, and nobody is told. */
  stall(): void;
  /** Lets pass again what was held up. */
  flow(): void;
  /** Cuts every connection at once. */
  drop(): void;
  /** Calls pass, but the next reply of every connection is cut off in its middle, with the connection. */
  cutReplies(): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  cutting: boolean;
}

/** Listens on a free port of this machine and passes everything on to another. */
export async function startProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let stalled = false;

  const listener = createServer((client) => {
    const server = createConnection(target, "127.0.0.1");
    const pair: Pair = { client, server, cutting: false };
    pairs.add(pair);
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on("error", end).on("close", end);
    if (stalled) for (const socket of [client, server]) socket.pause();
    client.on("data", (data) => void server.write(data));
    server.on("data", (data) => {
      if (!pair.cutting) return void client.write(data);
      // The call was executed; its sender gets a part of the answer and then the end.
      client.write(data.subarray(0, Math.floor(data.length / 2)), end);
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();

  return {
    port: address && typeof address === "object" ? address.port : 0,
    stall() {
      stalled = true;
      for (const { client, server } of pairs) for (const socket of [client, server]) socket.pause();
    },
    flow() {
      stalled = false;
      for (const { client, server } of pairs) for (const socket of [client, server]) socket.resume();
    },
    drop() {
      for (const { client, server } of pairs) for (const socket of [client, server]) socket.destroy();
    },
    cutReplies() {
      for (const pair of pairs) pair.cutting = true;
    },
    async close() {
      for (const { client, server } of pairs) for (const socket of [client, server]) socket.destroy();
      listener.close();
      await once(listener, "close");
    },
  };
}
