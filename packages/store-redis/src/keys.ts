import { keyText, packHash } from "./text.js";

/**
 * Every key of one partition. All share one hash tag, so that scripts may touch them together on Redis Cluster; who writes and
 * who ends each is told in HOW_IT_WORKS.md. Scripts make the same names from the prefix.
 */
export function keysOf(namespace: string) {
  const prefix = `jobbers:{${keyText(namespace)}:0}:`;
  const at = (name: string) => (id: string) => `${prefix}${name}:${id}`;
  return {
    prefix,
    /** The store's time and counters; the one key that scripts are given. */
    clock: `${prefix}clock`,
    schema: `${prefix}schema`,
    /** Runs that nothing unusual has happened to, a field each: see packed.ts. */
    packed: `${prefix}packed`,
    /** How far those of them are that have one step only. */
    progress: `${prefix}progress`,
    /** What packed runs of one workflow have in common. */
    kinds: `${prefix}kinds`,
    run: (id: string) => `${prefix}run:${keyText(id)}`,
    more: (id: string) => `${prefix}more:${keyText(id)}`,
    order: (id: string) => `${prefix}order:${keyText(id)}`,
    /** A thousand runs by number. */
    bucket: (n: number) => `${prefix}runs:${n}`,
    /** When the first run of each such thousand was submitted. */
    starts: `${prefix}starts`,
    /** The runs in one of the states that are listed apart, by number. */
    listed: at("listed"),
    /** Dead letters by number, and what they are looked for by. */
    dead: `${prefix}dead`,
    letters: `${prefix}letters`,
    /** How many of them each task has. */
    letterCounts: `${prefix}lettercounts`,
    plan: (hash: string) => `${prefix}plan:${packHash(hash)}`,
    names: `${prefix}names`,
    versions: `${prefix}versions`,
    queues: `${prefix}queues`,
    /** How queues are set. */
    settings: `${prefix}settings`,
    roles: `${prefix}roles`,
    /** How many steps a role may run at once. */
    caps: `${prefix}caps`,
    /** The sessions of a role. */
    crew: at("role"),
    /** Lines of workers, in which their sticky steps stand: see scripts/shared/sticky.lua. */
    near: at("near"),
    workers: at("worker"),
    lines: at("lines"),
    line: at("line"),
    sessions: `${prefix}sessions`,
    session: (id: string) => `${prefix}session:${keyText(id)}`,
    held: (id: string) => `${prefix}held:${keyText(id)}`,
    /** Which of these are control work. */
    control: (id: string) => `${prefix}control:${keyText(id)}`,
    /** What workers told of the progress of steps that their sessions hold. */
    beats: (id: string) => `${prefix}beats:${keyText(id)}`,
    durations: `${prefix}durations`,
    /** Limits and which of them hold: see scripts/shared/limits.lua. */
    limits: `${prefix}limits`,
    ruled: `${prefix}ruled`,
    buckets: at("buckets"),
    slots: at("slots"),
    used: at("used"),
    ring: at("ring"),
    rings: at("rings"),
    /** Whose turn it is: see scripts/shared/tenants.lua. */
    tenants: at("tenants"),
    weights: at("weights"),
    parked: at("parked"),
    depths: `${prefix}depths`,
    box: at("box"),
    events: `${prefix}events`,
    readers: `${prefix}readers`,
  };
}

export type Keys = ReturnType<typeof keysOf>;
