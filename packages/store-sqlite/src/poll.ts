import type { Sql } from "./driver.js";

/** Looks for commits of other connections. */
export interface Poll {
  /** Takes what is there now as seen. To be called before one looks into the tables oneself. */
  look(): void;
  /** Polls from now on, as long as it is wanted. */
  start(): void;
  stop(): void;
}

const FIRST_MS = 5;
const LAST_MS = 100;
const GROWTH = 1.5;

export function createPoll(
  sql: Sql,
  { isWanted, onChange }: { readonly isWanted: () => boolean; readonly onChange: () => void },
): Poll {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let seen = Number.NaN;
  let pauseMs = FIRST_MS;

  /** SQLite's count of other connections' commits, as far as this one has noticed. */
  const version = () => (sql.tuple("PRAGMA data_version") as [number])[0];
  const arm = () => {
    timer = setTimeout(tick, pauseMs);
    timer.unref();
  };
  const tick = () => {
    timer = undefined;
    if (!isWanted()) return;
    try {
      const now = version();
      pauseMs = now === seen ? Math.min(LAST_MS, pauseMs * GROWTH) : FIRST_MS;
      if (now !== seen) {
        onChange();
        seen = now;
      }
    } catch {
      // Nobody awaits a timer: what is thrown here would end the process. The next tick looks again.
      pauseMs = LAST_MS;
    }
    if (isWanted()) arm();
  };
  return {
    look() {
      // While the timer runs, others wait for changes since their own look.
      if (!timer) seen = version();
    },
    start() {
      pauseMs = FIRST_MS;
      if (!timer && !stopped && isWanted()) arm();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
