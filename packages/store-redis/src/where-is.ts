import {
  type Holder,
  LINE_LOOK_LIMIT,
  type LinePlace,
  type StepAddress,
  type StickyPlace,
  type Whereabouts,
} from "@jobbers/core";
import type { ChainableCommander, Redis } from "ioredis";
import type { Keys } from "./keys.js";
import { phaseOf, stateOf } from "./letters.js";
import { readPlace } from "./limit-places.js";
import { parkedOn, tupleOf } from "./limit-tuples.js";
import { readUses } from "./limits.js";
import { readFields, readSharedSpecs } from "./packed.js";
import { readNow } from "./read-now.js";
import { headOf } from "./runs.js";
import type { Server } from "./server.js";
import { readSettings } from "./steering.js";
import { isMapped } from "./step-record.js";
import { specOf, templateIn, withoutTemplate } from "./template.js";
import { readTurn } from "./tenants.js";
import { GS, packText, US, unpackText } from "./text.js";

/** What a step's record and spec say of where it stands; texts as they are kept. */
interface Standing {
  readonly run: string;
  readonly address: string;
  readonly state: string;
  readonly phase: string;
  readonly fence: string;
  readonly session: string;
  readonly seq: string;
  readonly cursor: number;
  readonly needs: string;
  readonly queue: string;
  readonly priority: number;
  /** What it stands under, "" for nothing. */
  readonly tuple: string;
  /** The line of a worker in which it may stand: whose, as it is called in keys, for how long, and until when. */
  readonly near: { readonly worker: string; readonly withinMs: string; readonly untilMs: number } | undefined;
}

/** Where a step is. What moves between the commands of this look is seen in one of its places, or in none. */
export function whereIs(server: Server, run: string, address: StepAddress): Promise<Whereabouts> {
  const { keys, look, clock } = server;
  return look(async (redis) => {
    const standing = await standingOf(redis, keys, run, packText(address));
    const nowMs = await readNow(redis, keys, clock);
    if (!standing) return { nowMs };
    const { state, phase, cursor, needs, session } = standing;
    const stands = session === "" && standing.seq !== "" && (state === "r" || phase === "v");
    const isLimited = stands && standing.tuple !== "";
    const [line, holder, isParked, turn, limits] = await Promise.all([
      stands ? placeIn(redis, keys, standing) : undefined,
      session === "" ? undefined : holderOf(redis, keys, session),
      isLimited && parkedOn(redis, keys, standing),
      isLimited ? readTurn(redis, keys, standing) : undefined,
      isLimited
        ? Promise.all(readUses(standing.tuple).map((use) => readPlace(redis, server, use)))
        : undefined,
    ]);
    const own = { phase: phaseOf(phase), needs: unpackText(needs), cursor, line, holder };
    return {
      nowMs,
      step: {
        state: isParked ? "limited" : stateOf(state),
        ...own,
        ...(turn && { turn }),
        ...(limits && { limits }),
      },
    };
  });
}

/** What is kept of a step of a run that goes on. */
async function standingOf(
  redis: Redis,
  keys: Keys,
  run: string,
  address: string,
): Promise<Standing | undefined> {
  const names = [`@${address}`, `$${address}`];
  const [h, s, plan, ...own] = await readFields(redis, keys, run, ["h", "s", "p", ...names]);
  if (!h || !s) return undefined;
  const head = headOf(h, s);
  const [text, ownSpec] = isMapped(address) ? await redis.hmget(keys.more(run), ...names) : own;
  if (head.isEnded || head.purged || !text) return undefined;
  const wanted = templateIn(text) ?? address;
  const spec = ownSpec ?? specOf(await readSharedSpecs(redis, keys, plan ?? "", [wanted]), address, text);
  if (!spec) return undefined;
  const [first = "", fence = "", , , session = "", seq = "", readyAt, , , , , , cursor, last = ""] =
    withoutTemplate(text).split(",");
  const [, , , , , flags = "", needs = "", queues = "", priority] = spec.split(US);
  const [queue = ""] = queues.split(GS);
  const phase = first.charAt(1);
  const isToRun = phase === "r" && session === "" && seq !== "";
  const [, kept, worker] = last.split(US);
  const withinMs = flags.split("~")[1];
  const untilMs = head.createdMs + Number(readyAt) + Number(withinMs);
  return {
    ...{ run, address, fence, session, seq, phase },
    tuple: isToRun ? await tupleOf(redis, keys, needs === "=" ? address : needs, queue, kept) : "",
    near: isToRun && worker && withinMs ? { worker, withinMs, untilMs } : undefined,
    state: first.charAt(0),
    cursor: Number(cursor || 0),
    needs: phase === "v" ? "" : needs === "=" ? address : needs,
    queue: phase === "r" ? queue : "",
    priority: Number(priority || head.priority),
  };
}

/** A line in which a step may stand, and what stands for it there. */
interface Candidate {
  readonly line: string;
  readonly entry: string;
}

/** A step that was never taken may stand for its run alone (see scripts/shared/singles.lua), and in the line of those who serve it. */
function candidatesOf(
  keys: Keys,
  { run, address, fence, seq, queue, priority, needs, tuple, near }: Standing,
): Candidate[] {
  const entries =
    fence === "0" && queue !== "" ? [`${seq}|${run}|${address}`, run] : [`${seq}|${run}|${address}`];
  const lines = [...new Set(["", needs])].map((each) => keys.line(`${queue}:${priority}:${each}`));
  if (tuple !== "") lines.push(keys.line(`${queue}:${priority}:${needs}:${tuple}`));
  if (near) lines.push(keys.near(`${near.worker}:${queue}:${priority}:${near.withinMs}`));
  return lines.flatMap((line) => entries.map((entry) => ({ line, entry })));
}

async function placeIn(redis: Redis, keys: Keys, standing: Standing): Promise<LinePlace | undefined> {
  const candidates = candidatesOf(keys, standing);
  const [open, settings] = await Promise.all([
    redis.smembers(keys.lines(standing.queue)),
    standing.queue === "" ? null : redis.hget(keys.settings, standing.queue),
  ]);
  const pipeline = redis.pipeline();
  for (const member of open) pipeline.llen(keys.line(`${standing.queue}:${member}`));
  for (const { line, entry } of candidates) pipeline.lpos(line, entry, "MAXLEN", LINE_LOOK_LIMIT);
  for (const { line } of candidates) pipeline.llen(line);
  pipeline.hgetall(keys.depths);
  const replies = await answersOf(pipeline);
  const limited = depthsOf(replies.pop() as Record<string, string>, standing.queue);
  const lengths = replies.slice(0, open.length).map(Number);
  const ranks = replies.slice(open.length, open.length + candidates.length);
  const depths = replies.slice(open.length + candidates.length).map(Number);
  const place = await foundAt(redis, candidates, ranks);
  const found = place?.rank;
  // In a line so long that neither end is near it must be; in a shorter one it would have been found.
  const isFar = found === undefined && depths.some((depth) => depth > 2 * LINE_LOOK_LIMIT);
  if (found === undefined && !isFar) return undefined;
  const set = settings === null ? undefined : readSettings(settings);
  const goesBefore = (priority: number) => set?.priority !== "weighted" && priority > standing.priority;
  const sum = (numbers: readonly number[]) => numbers.reduce((all, each) => all + each, 0);
  const higher =
    sum(lengths.filter((_, i) => goesBefore(Number(open[i]?.charAt(0))))) +
    sum(limited.filter(({ priority }) => goesBefore(priority)).map(({ n }) => n));
  return {
    queue: unpackText(standing.queue),
    priority: standing.priority,
    before: higher + Number(found ?? LINE_LOOK_LIMIT),
    atLeast: isFar,
    depth: sum(lengths) + sum(limited.map(({ n }) => n)),
    ...(standing.near &&
      place?.line.startsWith(keys.near("")) && { sticky: await stickyPlace(redis, keys, standing.near) }),
    ...(set && { settings: set }),
  };
}

/** What stands in a queue's lines under limits, by priority. */
function depthsOf(depths: Record<string, string>, queue: string) {
  return Object.entries(depths).flatMap(([field, n]) => {
    const [name, priority] = field.split(":");
    return name === queue ? [{ priority: Number(priority), n: Math.max(0, Number(n)) }] : [];
  });
}

interface Found {
  readonly line: string;
  readonly rank: number;
}

/** Which of the candidates it is, at which place: from the old end, as it was looked for already, or from the new one. */
async function foundAt(
  redis: Redis,
  candidates: readonly Candidate[],
  ranks: readonly unknown[],
): Promise<Found | undefined> {
  const near = firstOf(candidates, ranks);
  if (near) return near;
  const pipeline = redis.pipeline();
  for (const { line, entry } of candidates) pipeline.lpos(line, entry, "RANK", -1, "MAXLEN", LINE_LOOK_LIMIT);
  return firstOf(candidates, await answersOf(pipeline));
}

function firstOf(candidates: readonly Candidate[], ranks: readonly unknown[]): Found | undefined {
  const at = ranks.findIndex((rank) => rank !== null);
  return at === -1 ? undefined : { line: (candidates[at] as Candidate).line, rank: Number(ranks[at]) };
}

/** Whose line it is, by the name that its sessions have. */
async function stickyPlace(
  redis: Redis,
  keys: Keys,
  { worker, untilMs }: NonNullable<Standing["near"]>,
): Promise<StickyPlace> {
  const session = await redis.srandmember(keys.workers(worker));
  const name = session === null ? null : await redis.hget(keys.session(session), "worker");
  return { worker: unpackText(name ?? worker), untilMs };
}

async function holderOf(redis: Redis, keys: Keys, session: string): Promise<Holder | undefined> {
  const [[state, worker, suspect], expires] = await Promise.all([
    redis.hmget(keys.session(session), "state", "worker", "suspect"),
    redis.zscore(keys.sessions, session),
  ]);
  if (state !== "open" && state !== "closing" && state !== "lost") return undefined;
  const expiresAtMs = Number(expires ?? Number.NaN);
  return {
    session,
    worker: unpackText(worker ?? ""),
    state,
    expiresAtMs: Number.isFinite(expiresAtMs) ? expiresAtMs : undefined,
    suspectAtMs: state === "open" && suspect ? Number(suspect) : undefined,
  };
}

async function answersOf(pipeline: ChainableCommander): Promise<unknown[]> {
  return ((await pipeline.exec()) ?? []).map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
}
