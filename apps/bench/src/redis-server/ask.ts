import { createConnection } from "node:net";

const REPLY_MS = 5_000;

/**
 * Sends one command over a connection of its own, in the protocol's own words: no client that could repair anything behind our
 * back. Answers the raw reply; rejects when there is none in time.
 */
export function ask(port: number, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, "127.0.0.1");
    const end = (act: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      act();
    };
    const timer = setTimeout(() => end(() => reject(new Error(`no reply to ${words[0]}`))), REPLY_MS);
    socket.once("error", (error) => end(() => reject(error)));
    socket.once("close", () => end(() => reject(new Error("the connection was closed"))));
    socket.once("data", (data) => end(() => resolve(data.toString())));
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    socket.write(`*${words.length}\r\n${parts.join("")}`);
  });
}
