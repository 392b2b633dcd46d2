/** Who is told when a signal aborts. */
const listeners = new WeakMap<AbortSignal, (() => void)[]>();

/**
 * Calls back when a signal aborts that has not yet; the answer takes that back.
 *
 * It is for signals that live as long as a worker, to which something listens for the time of each call. Node.js keeps the listeners of a
 * signal in a chain, and one that is taken out still refers to the next one. Once the collector has moved one of them to the old
 * generation, all later ones follow it there, with all that they know: a worker's grants and reports.
 */
export function onAbort(signal: AbortSignal, tell: () => void): () => void {
  const known = listeners.get(signal) ?? listenTo(signal);
  known.push(tell);
  return () => {
    const at = known.indexOf(tell);
    if (at < 0) return;
    const last = known.pop() as () => void;
    if (at < known.length) known[at] = last;
  };
}

function listenTo(signal: AbortSignal): (() => void)[] {
  const known: (() => void)[] = [];
  listeners.set(signal, known);
  signal.addEventListener(
    "abort",
    () => {
      for (const tell of known.splice(0)) tell();
    },
    { once: true },
  );
  return known;
}
