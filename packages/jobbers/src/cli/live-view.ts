/** A live view of a run, which ends with its last state. */
export interface ProgressView {
  /** Shows the last state and ends the view. */
  stop(): Promise<void>;
}

/** What a live view shows and when. */
export interface LiveView {
  /** The run's events; each is a reason to look again. */
  readonly events: (options: { signal: AbortSignal }) => AsyncIterable<unknown>;
  /** Looks again, at most so often, and at least so often. */
  readonly leastMs: number;
  readonly idleMs: number;
  /** Reads and shows; what it rejects with is not worth an error, for whoever awaits the run meets it as well. */
  refresh(view: { readonly last: boolean; readonly signal: AbortSignal }): Promise<void>;
  /** Called once, after the last refresh. */
  end?(): void;
}

/** Starts a view that is refreshed when events say so, never more often than its pace, and rarely while idle. */
export function startLiveView(view: LiveView): ProgressView {
  const stopping = new AbortController();
  const { signal } = stopping;
  let timer: NodeJS.Timeout | undefined;
  let dueMs = Number.POSITIVE_INFINITY;
  let drawing = Promise.resolve();

  const schedule = (delayMs: number) => {
    if (signal.aborted || performance.now() + delayMs >= dueMs) return;
    clearTimeout(timer);
    dueMs = performance.now() + delayMs;
    timer = setTimeout(() => {
      dueMs = Number.POSITIVE_INFINITY;
      const again = () => schedule(Math.max(view.idleMs, view.leastMs));
      drawing = drawing.then(() => view.refresh({ last: false, signal })).then(again, again);
    }, delayMs);
  };
  const follow = async () => {
    for await (const _event of view.events({ signal })) schedule(view.leastMs);
  };
  schedule(0);
  void follow().catch(() => undefined);
  return {
    async stop() {
      if (signal.aborted) return;
      stopping.abort();
      clearTimeout(timer);
      await drawing;
      await view.refresh({ last: true, signal }).catch(() => undefined);
      view.end?.();
    },
  };
}
