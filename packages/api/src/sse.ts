import { streamed } from "./answers.js";

/** One message of a stream of events. */
export interface Message {
  /** Its place in the feed, or in a log; a client that was cut off names the last one it has seen. */
  readonly id?: number | string | undefined;
  readonly event: string;
  /** JSON text. */
  readonly data: string;
}

/** Where a stream's source writes. */
export interface Sink {
  /** Writes a message, and waits until there is room for more. Rejects when the stream is over. */
  write(message: Message): Promise<void>;
  /** Aborts when the client has gone, does not read, or the server stops. */
  readonly signal: AbortSignal;
}

/** How a stream is kept alive, and how much may wait for its client. */
export interface StreamLimits {
  readonly heartbeatMs: number;
  readonly streamBytes: number;
}

/** So many heartbeats in a row may find that nothing was taken; then the client is cut off. */
const MAX_STALLS = 3;

/**
 * Answers with a stream of server-sent events that ends with its source.
 *
 * The source waits while its client does not read, so that nothing piles up: what it misses meanwhile it reads from the store. A
 * client that has taken nothing for some heartbeats is cut off; it may come back with the id of its last event.
 *
 * @param drop cuts the connection itself, where there is one that may be stuck in a write
 */
export function eventStream(
  limits: StreamLimits,
  closing: AbortSignal,
  drop: (() => void) | undefined,
  source: (sink: Sink) => Promise<void>,
): Response {
  const stopping = new AbortController();
  const { signal } = stopping;
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let makeRoom = () => {};
  let stalls = 0;

  const end = () => {
    if (signal.aborted) return;
    stopping.abort();
    clearInterval(timer);
    closing.removeEventListener("abort", close);
    makeRoom();
  };
  const close = () => {
    if (signal.aborted) return;
    end();
    controller?.close();
  };
  const cutOff = () => {
    end();
    controller?.error(new Error("the client does not read"));
    drop?.();
  };
  const hasRoom = () => (controller?.desiredSize ?? 0) > 0;
  const beat = () => {
    stalls = hasRoom() ? 0 : stalls + 1;
    if (stalls >= MAX_STALLS) cutOff();
    else if (stalls === 0) controller?.enqueue(encoder.encode(":\n\n"));
  };
  const timer = setInterval(beat, limits.heartbeatMs);
  closing.addEventListener("abort", close);

  const write = async (message: Message) => {
    signal.throwIfAborted();
    controller?.enqueue(encoder.encode(textOf(message)));
    while (!hasRoom() && !signal.aborted)
      await new Promise<void>((resolve) => {
        makeRoom = resolve;
      });
    signal.throwIfAborted();
  };

  const body = new ReadableStream<Uint8Array>(
    {
      start(made) {
        controller = made;
        if (closing.aborted) return close();
        // Later, so that what the source throws at once meets a stream that is there.
        void Promise.resolve()
          .then(() => source({ write, signal }))
          .then(close, (error: unknown) => {
            if (signal.aborted) return;
            end();
            controller?.error(error);
          });
      },
      pull() {
        stalls = 0;
        makeRoom();
      },
      cancel: end,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: limits.streamBytes }),
  );
  return streamed(body, "text/event-stream");
}

function textOf({ id, event, data }: Message): string {
  // JSON text has no line breaks of its own, so that one data line carries it.
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
}

/** The place that a client has come to, from its `Last-Event-ID`; NaN for what is no place, undefined without one. */
export function lastEventId(header: string | undefined): number | undefined {
  if (header === undefined || header === "") return undefined;
  return /^\d{1,15}$/.test(header) ? Number(header) : Number.NaN;
}
