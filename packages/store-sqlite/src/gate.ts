import type { QueueSettings, Submission, SubmitResult } from "@jobbers/core";
import { readSettings } from "./steering.js";
import type { Unit } from "./unit.js";

interface Door {
  readonly settings: QueueSettings | undefined;
  /** Ready steps, those included that this batch has put there; counted only where there is a maximum. */
  ready: number;
}

/** Says of the submissions of one batch whether the queues of their entry steps take them. */
export class Gate {
  readonly #unit: Unit;
  readonly #doors = new Map<string, Door>();

  constructor(unit: Unit) {
    this.#unit = unit;
  }

  /** The refusal of a submission, if any; a scheduled one stands in no queue yet. */
  refusalOf({ id, entries }: Submission, isScheduled: boolean): SubmitResult | undefined {
    for (const { kind, queue } of entries.items) {
      if (kind === "task" && this.#door(queue).settings?.draining)
        return { status: "queue-draining", id, queue };
    }
    if (isScheduled) return undefined;
    const wanted = new Map<string, number>();
    for (const { kind, queue } of entries.items)
      if (kind === "task" && this.#door(queue).settings?.max !== undefined)
        wanted.set(queue, (wanted.get(queue) ?? 0) + 1);
    for (const [queue, n] of wanted) {
      const { settings, ready } = this.#door(queue);
      const max = settings?.max as number;
      if (ready + n > max) return { status: "queue-full", id, queue, max };
    }
    for (const [queue, n] of wanted) this.#door(queue).ready += n;
    return undefined;
  }

  #door(queue: string): Door {
    const known = this.#doors.get(queue);
    if (known) return known;
    const { sql } = this.#unit;
    const settings = readSettings(sql, queue);
    const sum = "SELECT sum(depth) FROM lines WHERE queue = ?";
    const ready = settings?.max === undefined ? 0 : ((sql.tuple(sum, queue)?.[0] as number | null) ?? 0);
    const door = { settings, ready };
    this.#doors.set(queue, door);
    return door;
  }
}
