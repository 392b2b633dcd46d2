import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { CALL_MS } from "./connection.js";
import { classOf, closedError, faultOf } from "./faults.js";
import type { Keys } from "./keys.js";
import { type Argument, callScript, runScript, type Script } from "./script.js";

export interface ServerParts {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly url: string;
  readonly clock: (() => number) | undefined;
  readonly isClosed: () => boolean;
}

/** The server as verbs see it: scripts and looks, repeated while it is away. */
export interface Server {
  readonly keys: Keys;
  /** The clock that a test has put in place of the server's. */
  readonly clock: (() => number) | undefined;
  /** Runs a script. */
  run<Call extends readonly unknown[], Reply>(script: Script<Call, Reply>, ...call: Call): Promise<Reply>;
  /** Runs a script once, on a connection of the caller's choice; rejects where the server does not know it. */
  runOn<Call extends readonly unknown[], Reply>(
    redis: Redis,
    script: Script<Call, Reply>,
    ...call: Call
  ): Promise<Reply>;
  /** A plain look. */
  look<T>(read: (redis: Redis) => Promise<T>): Promise<T>;
}

export function createServer({ redis, keys, url, clock, isClosed }: ServerParts): Server {
  /** Every verb has the effect of once, however often it is executed: what may or may not have happened is simply done again. */
  const persist = async <T>(call: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    for (let tries = 0; ; tries++) {
      if (isClosed()) throw closedError(url);
      try {
        return await call();
      } catch (error) {
        if (isClosed()) throw closedError(url);
        const isOver = performance.now() - start > CALL_MS / 2;
        if (classOf(error) !== "away" || isOver) throw faultOf(error, url);
        if (/Command timed out/.test((error as Error).message)) redis.disconnect(true);
      }
      await sleep(Math.min(1_000, 20 * 2 ** tries) * (0.5 + Math.random() / 2));
    }
  };
  const stamped = (args: readonly Argument[]) => [clock ? Math.floor(clock()) : "", ...args];
  return {
    keys,
    clock,
    run: (script, ...call) => {
      const args = script.encode(...call);
      return persist(async () =>
        script.decode(await runScript(redis, script.name, keys.clock, stamped(args)), ...call),
      );
    },
    runOn: async (on, script, ...call) =>
      script.decode(await callScript(on, script.name, keys.clock, stamped(script.encode(...call))), ...call),
    look: (read) => persist(() => read(redis)),
  };
}
