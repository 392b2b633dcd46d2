import type { Progress } from "@jobbers/core";
import { jsonOf } from "./protocol.js";

/** Heartbeats of one handler are sent no closer than this, however many there are. */
const GAP_MS = 50;
const MAX_CHARS = 64 * 1024;

/** Sends the newest heartbeat, now or soon: a handler may give millions. */
export class Beats {
  #sentMs = Number.NEGATIVE_INFINITY;
  #noted: { readonly progress: Progress | undefined } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly send: (progress: Progress | undefined) => void) {}

  note(progress: Progress | undefined): void {
    this.#noted = { progress };
    const sinceMs = performance.now() - this.#sentMs;
    // At once where it may: the handler may keep its event loop from every timer.
    if (sinceMs >= GAP_MS) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), GAP_MS - sinceMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#noted = undefined;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#noted) return;
    const { progress } = this.#noted;
    this.#noted = undefined;
    this.#sentMs = performance.now();
    this.send(progress === undefined ? undefined : plain(progress));
  }
}

/** What of it is JSON and not too large; the store keeps 1 KiB of it. */
function plain(progress: Progress): Progress {
  const whole = jsonOf(progress, MAX_CHARS);
  if (typeof whole === "object" && whole !== null) return whole as Progress;
  const { at, done, total } = progress;
  return { at: typeof at === "string" ? at.slice(0, MAX_CHARS) : undefined, done, total };
}
