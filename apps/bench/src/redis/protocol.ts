/** What a process of the bench is to do; it comes as JSON in its first argument. */
export interface Order {
  readonly url: string;
  /** How many steps run at a time. */
  readonly concurrency: number;
  /** How many exchanges may be under way at a time; ours and the floor only. */
  readonly lanes?: number | undefined;
  /** Whether a step's only child is taken at once; ours only. */
  readonly inline?: boolean | undefined;
  /** After how many steps it tells that it is done. */
  readonly steps?: number | undefined;
  /** How many go before these, so that what is measured is not mostly a compiler at work; it tells when they are over. */
  readonly warming?: number | undefined;
  /** Whether it deletes no ended run, however many there are; ours only. */
  readonly keepsAll?: boolean | undefined;
  /** Whether it tells of each step that starts. */
  readonly starts?: boolean | undefined;
}

/** What a process tells; instants are of {@link nowMs}. */
export type Told =
  /** It is connected, and does nothing yet. */
  | { readonly type: "ready" }
  /** It takes steps. */
  | { readonly type: "working"; readonly atMs: number }
  | { readonly type: "started"; readonly atMs: number }
  /** The steps that are not counted are done. */
  | { readonly type: "warm" }
  /** As many steps as were ordered are done, and what lay between two steps of a run, in milliseconds. */
  | { readonly type: "done"; readonly fromMs: number; readonly atMs: number; readonly gapsMs: number[] }
  /** The worst round trip of a PING, the median, and what 99 of 100 stay below, in milliseconds. */
  | { readonly type: "pinged"; readonly worstMs: number; readonly p50Ms: number; readonly p99Ms: number }
  /** The most memory that it ever had, as the system counts it. */
  | { readonly type: "peaked"; readonly mib: number };

/** What a process is told: to begin, and to end by itself. */
export type Word = "go" | "stop";

/** Milliseconds by the machine's monotonic clock, the same in every process. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** How a process of the bench behaves: it begins on `go`, and ends on `stop` or when its parent is gone. */
export interface Behaviour {
  go(): Promise<void>;
  stop(): Promise<void>;
}

/** The order of this process. */
export function readOrder(): Order {
  return JSON.parse(process.argv[2] as string) as Order;
}

/** Tells the parent. */
export function tell(told: Told): void {
  process.send?.(told);
}

/** Obeys the parent's words; call it when everything is connected. */
export function obey({ go, stop }: Behaviour): void {
  process.on("message", (word: Word) => {
    void (word === "go" ? go() : stop().then(() => process.disconnect()));
  });
  // Nobody would ever stop it again.
  process.on("disconnect", () => setTimeout(() => process.exit(), 1_000).unref());
  tell({ type: "ready" });
}

/** Counts steps, and tells when all are done. */
export function createTally({ steps = Number.POSITIVE_INFINITY, warming = 0 }: Order) {
  let fromMs = 0;
  let count = -warming;
  const gapsMs: number[] = [];
  return {
    gapsMs,
    begin() {
      fromMs = nowMs();
    },
    add(done = 1) {
      count += done;
      if (count >= 0 && count - done < 0) {
        fromMs = nowMs();
        tell({ type: "warm" });
      }
      if (count >= steps && count - done < steps) tell({ type: "done", fromMs, atMs: nowMs(), gapsMs });
    },
  };
}
