import { JobbersHttpError } from "./errors.js";
import { backoffMs, pause } from "./pause.js";
import { readMessages, type SseMessage } from "./sse.js";
import { type Call, checkType, isPassing, type Transport } from "./transport.js";

/** What is read of a stream of events: each message, and the news that some may be missing between two. */
export type Followed = SseMessage | "missed" | "over";

/** Servers send something at least every 15 s; three times that, and the connection is dead. */
const SILENCE_MS = 45_000;

/**
 * Follows a stream of events over any number of connections: it comes back by itself, with the id of what it got last.
 *
 * Yields `missed` after a break before which no message had an id, and `over`, as the last, when the server says that nothing will follow.
 * A server that is away is tried for ever; who wants to give up aborts the signal.
 *
 * @throws JobbersHttpError for a refusal; the signal's reason
 */
export async function* follow(transport: Transport, call: Call): AsyncGenerator<Followed> {
  const { signal } = call;
  let lastId: string | undefined;
  let failures = 0;
  let opened = false;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const headers = {
        accept: "text/event-stream",
        ...(lastId !== undefined && { "last-event-id": lastId }),
      };
      const response = await transport.send({ ...call, headers, once: true });
      if (response.status === 204 || !response.body) return void (yield "over");
      checkType(response, "event-stream");
      if (opened && lastId === undefined) yield "missed";
      opened = true;
      for await (const message of readMessages(response, SILENCE_MS, signal)) {
        failures = 0;
        if (message.id !== undefined) lastId = message.id;
        yield message;
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof JobbersHttpError && !isPassing(error)) throw error;
      if (!opened && failures >= FIRST_TRIES) throw error;
      failures += 1;
      await pause(backoffMs(failures, error instanceof JobbersHttpError ? error.retryAfterMs : 0), signal);
      continue;
    }
    // The server ended the stream, as one does that is restarted.
    failures += 1;
    await pause(backoffMs(failures), signal);
  }
}

/** How often a first connection is tried: an address that nobody listens at is an error, one that went away is not. */
const FIRST_TRIES = 5;
