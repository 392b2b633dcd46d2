import { createParser } from "eventsource-parser";

/** One event of a stream of them, as it came. */
export interface SseMessage {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

/**
 * Reads the events of an answer until it ends or breaks off. Who stops reading ends the request.
 *
 * @param silenceMs how long the stream may say nothing at all, heartbeats included, before it counts as dead
 */
export async function* readMessages(
  response: Response,
  silenceMs: number,
  signal?: AbortSignal,
): AsyncGenerator<SseMessage> {
  const messages: SseMessage[] = [];
  const parser = createParser({
    onEvent: ({ id, event = "message", data }) => void messages.push({ id, event, data }),
  });
  const decoder = new TextDecoder();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await within(silenceMs, signal, reader.read());
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      yield* messages.splice(0);
    }
  } finally {
    // Not awaited: a connection that is dead may never say that it is closed.
    reader.cancel().catch(() => undefined);
  }
}

function within<T>(ms: number, signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal?.reason);
    const timer = setTimeout(() => reject(new Error(`the stream was silent for ${ms} ms`)), ms);
    signal?.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    });
  });
}
