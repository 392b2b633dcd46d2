import { connect, createServer, type Socket } from "node:net";

/** A TCP line to a server that can be cut, and that can lose replies. */
export interface FaultyLine {
  readonly url: string;
  /** Swallows what the server says next, then cuts the line: the call was executed, and nobody knows. */
  loseNextReply(): void;
  /** Lets the next thing that the server says through, and cuts the line behind it. */
  cutAfterNextReply(): void;
  /** How often a line was cut behind a reply. */
  readonly cuts: number;
  /** Cuts all lines at once. */
  cut(): void;
  close(): Promise<void>;
}

export function startFaultyLine(port: number): Promise<FaultyLine> {
  const sockets = new Set<Socket>();
  let isLosing = false;
  let isCutting = false;
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (data) => upstream.write(data));
    upstream.on("data", (data) => {
      if (isCutting) {
        isCutting = false;
        cuts++;
        client.end(data);
        upstream.destroy();
        return;
      }
      if (!isLosing) return void client.write(data);
      isLosing = false;
      client.destroy();
    });
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address() as { port: number };
      resolve({
        url: `redis://127.0.0.1:${address.port}`,
        loseNextReply: () => {
          isLosing = true;
        },
        cutAfterNextReply: () => {
          isCutting = true;
        },
        get cuts() {
          return cuts;
        },
        cut,
        close: () =>
          new Promise((done) => {
            server.close(() => done());
            cut();
          }),
      });
    });
  });
}
