import type { Submission, SubmitResult } from "@jobbers/core";
import type { Redis } from "ioredis";
import { openClient, type Place } from "./connection.js";
import { classOf, closedError, fault, faultOf, messageOf } from "./faults.js";
import type { Keys } from "./keys.js";
import { type Argument, isUnknownScript, scriptHash } from "./script.js";
import { scriptText } from "./script-text.js";
import { createServer, type Server } from "./server.js";
import { submitScript } from "./submit.js";

/*
 * Submissions that a replica has to confirm.
 *
 * `WAIT` answers how many replicas have all that its own connection wrote; on a connection that wrote nothing it answers at once.
 * So three things must hold, or it confirms what no replica has:
 * - The script and the WAIT behind it reach one and the same connection. ioredis sends again what a broken connection left
 *   unanswered, but of a pipeline all or nothing: where the script was answered and the WAIT was not, the WAIT is aborted and the
 *   whole is done again. A script that the server does not know is not repeated behind
 *   the WAIT: then, too, the whole is done again, with its text.
 * - The script writes, also when it finds that the run exists: it always writes the store's clock. What is replicated later
 *   covers all that was written before, by whomever.
 * - Nobody else waits behind the WAIT: it has a connection of its own. Submissions that come while one WAIT is under way go
 *   together, so that a replica that hangs costs each of them two waits at most, however many they are.
 */

/** The most scripts that share one WAIT. */
const ROUND = 32;

/** How long `close` waits for what is under way. */
const CLOSE_MS = 1_000;

export interface ConfirmParts {
  readonly place: Place;
  readonly keys: Keys;
  readonly clock: (() => number) | undefined;
  readonly eventsKept: number;
  readonly replicaMs: number;
  readonly isClosed: () => boolean;
}

/** Submits, and says what a replica has confirmed. */
export interface Confirming {
  /** Takes one script's work; see `chunksOf`. */
  submit(chunk: readonly Submission[]): Promise<SubmitResult[]>;
  close(): Promise<void>;
}

interface Waiting {
  readonly chunk: readonly Submission[];
  resolve(results: SubmitResult[]): void;
  reject(error: unknown): void;
}

/** The connection, and the server as it is seen through it. */
interface Line {
  readonly redis: Redis;
  readonly server: Server;
}

/** One command's share of a pipeline's reply. */
type Answer = readonly [error: Error | null, reply?: unknown];

/** Makes the one who asks replicas; it connects when it is first asked itself. */
export function createConfirming(parts: ConfirmParts): Confirming {
  const queue: Waiting[] = [];
  let isSending = false;
  let line: Promise<Line> | undefined;

  const connected = () => {
    line ??= openLine(parts).catch((error) => {
      line = undefined;
      throw error;
    });
    return line;
  };
  const sendAll = async () => {
    isSending = true;
    while (queue.length > 0) {
      const round = queue.splice(0, ROUND);
      try {
        await sendRound(parts, await connected(), round);
      } catch (error) {
        for (const each of round) each.reject(error);
      }
    }
    isSending = false;
  };
  return {
    submit: (chunk) =>
      new Promise((resolve, reject) => {
        queue.push({ chunk, resolve, reject });
        if (!isSending) void sendAll();
      }),
    async close() {
      const redis = (await line?.catch(() => undefined))?.redis;
      if (!redis) return;
      const late = setTimeout(() => redis.disconnect(), CLOSE_MS).unref();
      await redis.quit().catch(() => {});
      clearTimeout(late);
    },
  };
}

/** Opens the connection, and sees that it may ask replicas before anything is written by way of it. */
async function openLine({ place, keys, clock, isClosed }: ConfirmParts): Promise<Line> {
  const { url } = place;
  // A master that became a replica is left, but nothing of a round is sent again by itself.
  const redis = await openClient(place, {
    reconnectOnError: ({ message }) => (/^READONLY/.test(message) ? 1 : false),
  });
  try {
    await redis.wait(0, 0);
    if (isClosed()) throw closedError(url);
  } catch (error) {
    redis.disconnect();
    throw faultOf(error, url);
  }
  return { redis, server: createServer({ redis, keys, url, clock, isClosed }) };
}

/** Executes the scripts of a round with one WAIT behind them, and answers each. */
async function sendRound(parts: ConfirmParts, { server }: Line, round: readonly Waiting[]): Promise<void> {
  const { place, keys, clock, eventsKept, replicaMs } = parts;
  const encoded = round.map(({ chunk }) => submitScript.encode(chunk, eventsKept));
  const answers = await server.look((redis) => {
    const instant = clock ? Math.floor(clock()) : "";
    const calls = encoded.map((args) => [keys.clock, instant, ...args]);
    return execute(redis, calls, replicaMs);
  });
  const [trouble, replicas] = answers.at(-1) as Answer;
  if (trouble) {
    const what = `${place.url} does not say what its replicas have (Redis: ${messageOf(trouble)})`;
    throw fault("not-replicated", `${what}; the runs may be written, and submitting them again is harmless`);
  }
  for (const [i, { chunk, resolve, reject }] of round.entries()) {
    const [error, reply] = answers[i] as Answer;
    if (error) {
      reject(faultOf(error, place.url));
      continue;
    }
    const results = submitScript.decode(reply, chunk, eventsKept);
    resolve(Number(replicas) > 0 ? results : results.map((each) => unconfirmed(each, replicaMs)));
  }
}

/** Rejects where the whole is to be done again. */
async function execute(
  redis: Redis,
  calls: readonly (readonly Argument[])[],
  replicaMs: number,
  withText = false,
): Promise<readonly Answer[]> {
  const { name } = submitScript;
  const pipeline = redis.pipeline();
  for (const args of calls) {
    if (withText) pipeline.eval(scriptText(name), 1, ...args);
    else pipeline.evalsha(scriptHash(name), 1, ...args);
  }
  const answers: readonly Answer[] = (await pipeline.wait(1, replicaMs).exec()) ?? [];
  const errors = answers.flatMap(([error]) => error ?? []);
  if (!withText && errors.some(isUnknownScript)) return execute(redis, calls, replicaMs, true);
  const away = errors.find((error) => classOf(error) === "away");
  if (away) throw away;
  return answers;
}

function unconfirmed(result: SubmitResult, waitedMs: number): SubmitResult {
  if (result.status !== "created" && result.status !== "existing") return result;
  return { status: "not-replicated", id: result.id, state: result.state, waitedMs };
}
