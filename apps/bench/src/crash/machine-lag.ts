/** A time in which this machine kept even an idle process waiting. */
export interface Lag {
  readonly from: number;
  readonly to: number;
}

const TICK_MS = 20;
/** Less is usual, and inside the half second that everybody is given. */
const NOTABLE_MS = 60;

/** Notes when the machine was too busy to wake a process in time: such time is nobody's to recover in. */
export function watchLag(): { readonly lags: readonly Lag[]; stop(): void } {
  const lags: Lag[] = [];
  let dueAt = Date.now() + TICK_MS;
  const timer = setInterval(() => {
    const now = Date.now();
    if (now - dueAt > NOTABLE_MS) lags.push({ from: dueAt, to: now });
    dueAt = now + TICK_MS;
  }, TICK_MS);
  return { lags, stop: () => clearInterval(timer) };
}
