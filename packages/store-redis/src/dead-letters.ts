import {
  type DeadLetterCount,
  type DeadLetterFilter,
  type DeadLetterQuery,
  type DeadLetterRecord,
  diedAtMsOf,
  EXAMINED_LIMIT,
  letterSpan,
  runCursor,
  type StepReason,
  type StepRecord,
} from "@jobbers/core";
import type { Redis } from "ioredis";
import type { Keys } from "./keys.js";
import { readRuns } from "./runs.js";
import type { Server } from "./server.js";
import { readStepsAt } from "./steps.js";
import { keyText, packText, US, unpackText } from "./text.js";

/** With what the cursors of this kind of store begin. */
const STORE = "r";

/** How many letters are examined in one go. */
const WINDOW = 500;

/** A letter as scripts/shared/letters.lua keeps it. */
interface Entry {
  readonly number: number;
  readonly run: string;
  readonly address: string;
  readonly task: string;
  readonly queue: string;
  readonly reason: string;
  readonly workflow: string;
}

function entryOf(member: string, number: number, about: string | null | undefined): Entry[] {
  // It was forgotten in between.
  if (!about) return [];
  const bar = member.indexOf("|");
  const [task = "", queue = "", reason = "", workflow = ""] = about.split(US);
  return [
    { number, run: member.slice(0, bar), address: member.slice(bar + 1), task, queue, reason, workflow },
  ];
}

/** The parts of a filter as they stand in letters. */
export function packFilter({ run, workflow, task, queue, reason }: DeadLetterFilter) {
  return {
    run: run === undefined ? "" : keyText(run),
    workflow: workflow === undefined ? "" : packText(workflow),
    task: task === undefined ? "" : keyText(task),
    queue: queue === undefined ? "" : keyText(queue),
    reason: reason ?? "",
  };
}

/** Newest first. A page may hold fewer than asked for and still have a next one: looking is bounded. */
export async function listDeadLetters(
  { keys, look }: Server,
  query: DeadLetterQuery,
): Promise<{ letters: DeadLetterRecord[]; next?: string }> {
  const { limit } = query;
  const { floor, before: end } = letterSpan(query, STORE);
  const filter = Object.entries(packFilter(query)).filter(([, wanted]) => wanted !== "");
  const fits = (entry: Entry) => filter.every(([part, wanted]) => entry[part as keyof Entry] === wanted);
  return look(async (redis) => {
    const letters: DeadLetterRecord[] = [];
    let before = end;
    for (let examined = 0; examined < EXAMINED_LIMIT; examined += WINDOW) {
      const { entries, isLast } = await readWindow(redis, keys, floor, before);
      const fitting = entries.filter(fits);
      while (fitting.length > 0) {
        const some = fitting.splice(0, limit - letters.length);
        letters.push(...(await recordsOf(redis, keys, some)));
        const { number } = some.at(-1) as Entry;
        if (letters.length === limit)
          return isLast && fitting.length === 0 ? { letters } : { letters, next: runCursor(number, STORE) };
      }
      if (isLast) return { letters };
      before = (entries.at(-1) as Entry).number;
    }
    return { letters, next: runCursor(before, STORE) };
  });
}

async function readWindow(redis: Redis, { dead, letters }: Keys, floor: number, before: number) {
  const found = await redis.zrange(
    dead,
    `(${before}`,
    String(floor),
    "BYSCORE",
    "REV",
    "LIMIT",
    0,
    WINDOW,
    "WITHSCORES",
  );
  const members = found.filter((_, i) => i % 2 === 0);
  const about = members.length === 0 ? [] : await redis.hmget(letters, ...members);
  const entries = members.map((member, i) => ({ member, number: Number(found[2 * i + 1]), about: about[i] }));
  return {
    entries: entries.flatMap((each) => entryOf(each.member, each.number, each.about)),
    isLast: members.length < WINDOW,
  };
}

/** What lists tell of letters; those whose run or step is gone meanwhile are left out. */
async function recordsOf(redis: Redis, keys: Keys, entries: readonly Entry[]): Promise<DeadLetterRecord[]> {
  const ids = [...new Set(entries.map(({ run }) => run))];
  const runs = new Map((await readRuns(redis, keys, ids)).map((run, i) => [ids[i], run?.record]));
  const steps = new Map<string, StepRecord>();
  await Promise.all(
    ids.map(async (id) => {
      const addresses = entries.filter(({ run }) => run === id).map(({ address }) => address);
      for (const step of await readStepsAt(redis, keys, id, addresses))
        steps.set(`${id}|${step.address}`, step);
    }),
  );
  return entries.flatMap(({ number, run, address, ...about }) => {
    const record = runs.get(run);
    const step = steps.get(`${run}|${unpackText(address)}`);
    if (!record || record.purged || !step) return [];
    return {
      run,
      step: step.address,
      workflow: record.name,
      version: record.plan,
      task: unpackText(about.task),
      queue: unpackText(about.queue),
      reason: about.reason as StepReason,
      error: step.error,
      tries: step.tries,
      lost: step.lost,
      diedAtMs: diedAtMsOf(number),
      edited: step.edited ?? false,
    };
  });
}

export function getDeadLetter(
  { keys, look }: Server,
  run: string,
  step: string,
): Promise<DeadLetterRecord | undefined> {
  return look(async (redis) => {
    const member = `${run}|${packText(step)}`;
    const [number, about] = await Promise.all([
      redis.zscore(keys.dead, member),
      redis.hget(keys.letters, member),
    ]);
    return number === null
      ? undefined
      : (await recordsOf(redis, keys, entryOf(member, Number(number), about)))[0];
  });
}

/** How many letters each task has. */
export function countDeadLetters({ keys, look }: Server): Promise<DeadLetterCount[]> {
  return look(async (redis) =>
    Object.entries(await redis.hgetall(keys.letterCounts))
      .map(([task, letters]) => ({ task: unpackText(task), letters: Number(letters) }))
      .sort((a, b) => (a.task < b.task ? -1 : 1)),
  );
}
