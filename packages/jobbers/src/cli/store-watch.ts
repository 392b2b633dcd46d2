import type { Store } from "@jobbers/core";
import type { Output } from "./output.js";
import { showDuration } from "./table.js";

/** How often a store is asked whether it is there, and how long it may take to say so. */
export interface WatchedPace {
  readonly everyMs: number;
  readonly patienceMs: number;
}

const defaultPace: WatchedPace = { everyMs: 2_000, patienceMs: 3_000 };

/** Says in one line when a server's store goes away, and in one when it is back; answers how to stop. */
export function watchStore(
  store: Pick<Store, "url" | "lastEvent">,
  output: Pick<Output, "note">,
  { everyMs, patienceMs }: WatchedPace = defaultPace,
): () => void {
  let awaySinceMs: number | undefined;
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async () => {
    const fault = await faultOf(store, patienceMs);
    if (isOver) return;
    if (fault !== undefined && awaySinceMs === undefined) {
      awaySinceMs = performance.now();
      output.note(`the store at ${store.url} is away (${fault}); what is asked of it is answered with 503`);
    } else if (fault === undefined && awaySinceMs !== undefined) {
      output.note(`the store is back, after ${showDuration(performance.now() - awaySinceMs)}`);
      awaySinceMs = undefined;
    }
    timer = setTimeout(look, everyMs);
  };
  timer = setTimeout(look, everyMs);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

/** What keeps a store from answering, in words; nothing where it answers. */
async function faultOf(store: Pick<Store, "lastEvent">, patienceMs: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${showDuration(patienceMs)}`), patienceMs);
  });
  const answer = store.lastEvent().then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
