import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { Place } from "./connection.js";
import { createMailbox } from "./mailbox.js";
import type { Script } from "./script.js";
import type { Server } from "./server.js";
import { keyText, US } from "./text.js";

interface Listened {
  /** -1 when there is something for the session, else how long until the next timer. */
  readonly dueMs: number | undefined;
  /** Whether its place is the right one until a letter comes. */
  readonly stays: boolean;
}

/** An empty box: listens no longer. */
export const listenScript: Script<[session: string, box: string, queues: readonly string[]], Listened> = {
  name: "listen",
  encode: (session, box, queues) => [keyText(session), box, queues.map(keyText).join(US)],
  decode(reply) {
    if (!Array.isArray(reply)) return { dueMs: Number(reply), stays: false };
    const [dueMs, stays] = reply as [number | null, number];
    return { dueMs: dueMs ?? undefined, stays: stays === 1 };
  },
};

interface Wait {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Who stands among the idle ones: for which queues, until when it need not say so again, and when the next timer is due. */
interface Standing {
  readonly queues: string;
  readonly untilMs: number;
  readonly dueAtMs: number;
}

/** One who waits. */
interface Waiter {
  readonly wake: () => void;
}

/** What `listen` answers when there is something. */
const NOW = -1;

/** A plain look behind the mailbox, in case a letter is lost; workers look by themselves before that. */
const POLL_MS = 6_000;

/** How long who stands among the idle ones need not say so again, in milliseconds; the server forgets it after ten seconds. */
const STANDING_MS = 4_000;

/** How long a letter lies there, in milliseconds, as with those that scripts post. */
const LETTER_MS = 60_000;

/** Within so many milliseconds who waited in vain comes again, if ever. */
const RETURN_MS = 250;

export interface Listening {
  /** Waits for work or mail for a session. */
  listen(session: string, wait: Wait & { readonly queues: readonly string[] }): Promise<void>;
  /**
   * Listens, and has a call sent along that the server executes in the moment in which it posts the letter. Answers nothing where there
   * is something already, or it is not known whether the call was executed: then it is for the caller to send.
   */
  standBy<T>(
    session: string,
    wait: Pick<Wait, "signal"> & { readonly queues: readonly string[] },
    call: (redis: Redis) => Promise<T>,
  ): Promise<T | undefined>;
  /** Waits for the feed to grow beyond a cursor. */
  awaitEvents(after: number, wait: Wait): Promise<void>;
  /** Ends all waiting. */
  close(): void;
}

export function createListening(server: Server, place: Place): Listening {
  const box = server.keys.box(randomUUID());
  const sessions = new Map<string, Set<Waiter>>();
  const readers = new Set<Waiter>();
  /** Sessions that the server believes to be idle: the next work posts a letter to one of them. So until then there is nothing for them. */
  const standing = new Map<string, Standing>();
  let isClosed = false;
  let letters = 0;
  const mailbox = createMailbox({
    place,
    key: box,
    isWanted: () => sessions.size + readers.size > 0,
    onLetter(letter) {
      letters += 1;
      standing.delete(letter);
      wakeAll(letter === "events" ? readers : sessions.get(letter));
    },
  });
  /** Says that a session stands among the idle ones no longer, unless it came back. */
  const retire = (session: string) => {
    const id = keyText(session);
    if (isClosed || sessions.has(id) || !standing.delete(id)) return;
    void server.run(listenScript, session, "", []).catch(() => {});
  };
  /** Runs rounds of waiting: `look` says how long at most, or that there is something. */
  const wait = async (
    waiters: Set<Waiter>,
    { timeoutMs, signal }: Wait,
    look: () => Promise<number | undefined>,
  ) => {
    const deadline = performance.now() + timeoutMs;
    while (!signal.aborted && !isClosed) {
      // Who stands here before it looks misses no letter that is sent from the look on.
      const turn = standAmong(waiters, signal);
      try {
        mailbox.start();
        const dueMs = (await look()) ?? POLL_MS;
        const leftMs = deadline - performance.now();
        if (dueMs === NOW || leftMs <= 0) return;
        const isWoken = await turn.wait(Math.min(POLL_MS, dueMs, leftMs));
        // The end of the time is for the caller to look at.
        if (isWoken || dueMs < POLL_MS || leftMs <= POLL_MS) return;
      } finally {
        turn.leave();
      }
    }
  };
  /** Looks whether there is something for a session: how long until the next timer if not, and it stands among the idle ones. */
  const lookFor = async (session: string, queues: readonly string[]) => {
    const id = keyText(session);
    const known = standing.get(id);
    const nowMs = performance.now();
    // Whoever comes back without a letter has had its place all the time.
    if (known?.queues === queues.join(US) && nowMs < Math.min(known.untilMs, known.dueAtMs))
      return known.dueAtMs === Number.POSITIVE_INFINITY ? undefined : known.dueAtMs - nowMs;
    const before = letters;
    const { dueMs, stays } = await server.run(listenScript, session, box, queues);
    const dueAtMs = dueMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + dueMs;
    // A letter may overtake the answer: then it has lost its place again.
    if (dueMs !== NOW && letters === before)
      standing.set(id, { queues: stays ? queues.join(US) : "", untilMs: nowMs + STANDING_MS, dueAtMs });
    return dueMs;
  };
  const waitersOf = (session: string) => {
    const id = keyText(session);
    const waiters = sessions.get(id) ?? new Set();
    sessions.set(id, waiters);
    return waiters;
  };
  const leave = (session: string, waiters: Set<Waiter>, signal: AbortSignal) => {
    const id = keyText(session);
    if (waiters.size > 0) return;
    sessions.delete(id);
    // Who waited in vain comes again; if not, then work should wake somebody who still waits.
    if (signal.aborted) retire(session);
    else if (standing.has(id)) setTimeout(retire, RETURN_MS, session).unref();
  };
  return {
    async listen(session, { queues, ...rest }) {
      const waiters = waitersOf(session);
      try {
        await wait(waiters, rest, () => lookFor(session, queues));
      } finally {
        leave(session, waiters, rest.signal);
      }
    },
    async standBy(session, { queues, signal }, call) {
      const waiters = waitersOf(session);
      let isSent = false;
      // The server waits as long as it has no letter. Who has been answered is in a hurry, and to take a listener away is dear: so it has but one.
      const turn = standAmong(waiters, signal, () => {
        if (isSent) void post(server, box);
      });
      try {
        mailbox.start();
        const dueMs = (await lookFor(session, queues)) ?? POLL_MS;
        // Its letter may have overtaken the answer: nobody sends another.
        if (dueMs === NOW || turn.isWoken() || signal.aborted || isClosed) return undefined;
        // What others are told there would have it executed for nothing.
        const isShared = sessions.size > 1 || readers.size > 0 || dueMs < POLL_MS;
        const sent = isShared ? undefined : mailbox.behind(call);
        if (!sent) {
          await turn.wait(Math.min(POLL_MS, dueMs));
          return undefined;
        }
        isSent = true;
        // A connection that is dead without anybody having been told is noticed late; the call is sent again then, on the other one.
        return await within(
          POLL_MS,
          sent.catch(() => undefined),
        );
      } finally {
        turn.leave();
        leave(session, waiters, signal);
      }
    },
    awaitEvents: (after, rest) =>
      wait(readers, rest, () =>
        server.look(async (redis) => {
          // Registered first, so that what is told after the look is told to this store.
          const [, last] =
            (await redis
              .pipeline()
              .sadd(server.keys.readers, box)
              .hget(server.keys.clock, "events")
              .exec()) ?? [];
          return Number(last?.[1] ?? 0) > after ? -1 : undefined;
        }),
      ),
    close() {
      isClosed = true;
      mailbox.close();
      wakeAll(readers);
      for (const waiters of sessions.values()) wakeAll(waiters);
    },
  };
}

function wakeAll(waiters: Iterable<Waiter> | undefined): void {
  for (const waiter of [...(waiters ?? [])]) waiter.wake();
}

/** What a promise comes to, or nothing after so many milliseconds. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  return await Promise.race([promise, over]).finally(() => clearTimeout(timer));
}

/** Posts a letter to nobody, so that the server waits no longer; should it come too late, it ends by itself. */
async function post(server: Server, box: string): Promise<void> {
  await server
    .look((redis) => redis.pipeline().rpush(box, "").pexpire(box, LETTER_MS).exec())
    .catch(() => {});
}

/** A place among the waiters. `wait` answers true when it was woken, false when the time was over. */
function standAmong(waiters: Set<Waiter>, signal: AbortSignal, onAbort = () => {}) {
  let isWoken = false;
  let wake = () => {};
  const woken = new Promise<true>((resolve) => {
    wake = () => {
      isWoken = true;
      resolve(true);
    };
  });
  const waiter = { wake };
  const end = () => {
    wake();
    onAbort();
  };
  waiters.add(waiter);
  signal.addEventListener("abort", end, { once: true });
  return {
    isWoken: () => isWoken,
    async wait(ms: number): Promise<boolean> {
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<false>((resolve) => {
        timer = setTimeout(() => resolve(false), Math.max(0, ms));
      });
      try {
        return await Promise.race([woken, over]);
      } finally {
        clearTimeout(timer);
      }
    },
    leave() {
      waiters.delete(waiter);
      signal.removeEventListener("abort", end);
    },
  };
}
