import type { Isolation, LogFields, TaskLog } from "@jobbers/core";
import type { Environment } from "../programs/environment.js";
import { LogLines } from "../programs/log-lines.js";
import type { Watchdog } from "../trees/watchdog.js";
import { after } from "../waiting.js";
import type { Child, Ending } from "./child.js";
import { startChildProcess } from "./child-process.js";
import { startChildThread } from "./child-thread.js";
import type { Said } from "./protocol.js";

/**
 * The threads and processes of one worker. Each belongs to one module (and one limit of memory) and runs one attempt at a time:
 *
 *   starting ──▶ busy ──▶ idle ──take──▶ busy
 *                 │         │
 *                 │         └── for a minute, or another module needs the room ──▶ ended
 *                 └── killed, crashed, or its memory is worn ──▶ ended
 */
export interface ChildPoolOptions {
  /** How many there may be, the busy ones included. */
  readonly capacity: number;
  readonly environment: Environment;
  readonly watchdog: Watchdog;
  readonly log: TaskLog;
}

/** How long a child may be idle before it is ended, in milliseconds. */
const IDLE_MS = 60_000;

/** A child while it is somebody's: what it says and writes goes to them. */
export interface Tenant {
  onSaid(said: Said): void;
  onEnded(ending: Ending): void;
  readonly fields: LogFields;
}

export class PooledChild {
  readonly #child: Child;
  #tenant: Tenant | undefined;
  /** What it writes may arrive after its answer. */
  #fields: LogFields | undefined;
  /** Numbers the attempts that it runs. */
  calls = 0;
  /** True when its module is loaded. */
  isLoaded = false;
  #hasEnded = false;
  stopIdle: () => void = () => {};

  constructor(
    readonly key: string,
    { in: where, module, maxMemoryBytes }: Isolation,
    options: ChildPoolOptions,
  ) {
    const write = (from: "stdout" | "stderr") =>
      new LogLines((line) => options.log.info(line, { ...this.#fields, from }));
    const [stdout, stderr] = [write("stdout"), write("stderr")];
    const ears = {
      onSaid: (said: Said) => this.#hear(said),
      onWritten: (from: "stdout" | "stderr", chunk: Buffer) =>
        (from === "stdout" ? stdout : stderr).push(chunk),
    };
    const data = { module, maxMemoryBytes };
    this.#child = where === "thread" ? startChildThread(data, ears) : startChildProcess(data, ears, options);
    void this.ended.then((ending) => {
      this.#hasEnded = true;
      for (const lines of [stdout, stderr]) lines.end();
      this.tenant?.onEnded(ending);
    });
  }

  get tenant(): Tenant | undefined {
    return this.#tenant;
  }

  set tenant(tenant: Tenant | undefined) {
    this.#tenant = tenant;
    if (tenant) this.#fields = tenant.fields;
  }

  get ended(): Promise<Ending> {
    return this.#child.ended;
  }

  /** True for one that can run nothing any more. */
  get isDead(): boolean {
    return this.#hasEnded || !this.#child.isAlive;
  }

  send(order: Parameters<Child["send"]>[0]): void {
    this.#child.send(order);
  }

  kill(): void {
    this.#child.kill();
  }

  #hear(said: Said): void {
    if (said.type === "loaded" && !said.unusable) this.isLoaded = true;
    this.tenant?.onSaid(said);
  }
}

export class ChildPool {
  readonly #options: ChildPoolOptions;
  readonly #children = new Set<PooledChild>();
  /** The one that was used last comes last. */
  readonly #idle = new Set<PooledChild>();

  constructor(options: ChildPoolOptions) {
    this.#options = options;
  }

  /** How many children there are. */
  get size(): number {
    return this.#children.size;
  }

  /** An idle child for such handlers, or a new one. */
  take(isolation: Isolation): PooledChild {
    const key = JSON.stringify([isolation.in, isolation.module, isolation.maxMemoryBytes]);
    const warm = [...this.#idle].findLast((child) => child.key === key && !child.isDead);
    if (!warm) return this.#start(key, isolation);
    this.#idle.delete(warm);
    warm.stopIdle();
    return warm;
  }

  /** Takes a child back that may be used again. */
  giveBack(child: PooledChild): void {
    child.tenant = undefined;
    if (child.isDead || !this.#children.has(child)) return;
    this.#idle.add(child);
    child.stopIdle = after(IDLE_MS, () => this.discard(child), "unref");
  }

  /** Ends a child. */
  discard(child: PooledChild): void {
    this.#idle.delete(child);
    child.stopIdle();
    child.kill();
  }

  /** Ends all children; resolves when none is left. */
  async close(): Promise<void> {
    const children = [...this.#children];
    for (const child of children) this.discard(child);
    await Promise.all(children.map(({ ended }) => ended));
  }

  #start(key: string, isolation: Isolation): PooledChild {
    const [oldest] = this.#idle;
    if (oldest && this.#children.size >= this.#options.capacity) this.discard(oldest);
    const child = new PooledChild(key, isolation, this.#options);
    this.#children.add(child);
    void child.ended.then(() => {
      this.#children.delete(child);
      this.#idle.delete(child);
      child.stopIdle();
    });
    return child;
  }
}
