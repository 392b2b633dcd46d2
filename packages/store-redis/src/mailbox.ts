import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import type { Redis } from "ioredis";
import { openClient, type Place } from "./connection.js";

/**
 * The one key that a store waits on, with a connection of its own: scripts push the ids of sessions to be woken, or `events`.
 * A blocking read can wedge for ever, so the server ends each one after a few seconds, and when it does not, a new connection is made.
 */
export interface Mailbox {
  /** Reads as long as somebody waits. */
  start(): void;
  /** Sends a call that the server executes when it has a letter, or has waited long enough; nothing where it does not wait at present. */
  behind<T>(call: (redis: Redis) => Promise<T>): Promise<T> | undefined;
  close(): void;
}

/** How long the server waits for a letter, and how long we wait for the server. */
const BLOCK_SECONDS = 5;
const DEADLINE_MS = 9_000;

export interface MailboxParts {
  readonly place: Place;
  readonly key: string;
  readonly isWanted: () => boolean;
  readonly onLetter: (letter: string) => void;
}

export function createMailbox({ place, key, isWanted, onLetter }: MailboxParts): Mailbox {
  let client: Redis | undefined;
  let isRunning = false;
  /** Whether the server waits for a letter, as far as is known here. */
  let isReading = false;
  let isClosed = false;

  const drop = () => {
    client?.disconnect();
    client = undefined;
  };
  const read = async () => {
    // Without reconnecting, a connection that breaks ends the wait at once; the next one may be to another server.
    client ??= await openClient(place, { commandTimeout: DEADLINE_MS, retryStrategy: null });
    isReading = true;
    const found = await client.blpop(key, BLOCK_SECONDS).finally(() => {
      isReading = false;
    });
    if (!found) return;
    onLetter(found[1]);
    // Whoever is woken begins with a call, in the next turn: it goes out before ours.
    await turn();
    await turn();
  };
  const loop = async () => {
    while (isWanted() && !isClosed) {
      try {
        await read();
      } catch {
        // Whoever waits polls as well, so nothing is lost but speed.
        drop();
        if (!isClosed) await sleep(100 + Math.random() * 400, undefined, { ref: false });
      }
    }
    isRunning = false;
    if (isClosed) drop();
  };
  return {
    start() {
      if (isRunning || isClosed || !isWanted()) return;
      isRunning = true;
      void loop();
    },
    behind: (call) => (client && isReading ? call(client) : undefined),
    close() {
      isClosed = true;
      drop();
    },
  };
}
