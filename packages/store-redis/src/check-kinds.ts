/** A key that is no run, as scripts/check-key.lua looks at it. */
export interface Handler {
  /** Which part of scripts/shared/check-session.lua or check-lists.lua. */
  readonly name: string;
  /** The rest of the key's name. */
  readonly id: string;
}

/** What kinds of key there are, by the first word of their names: see HOW_IT_WORKS.md. */
const types: Readonly<Record<string, string>> = {
  schema: "string",
  clock: "hash",
  claim: "string",
  packed: "hash",
  kinds: "hash",
  progress: "hash",
  run: "hash",
  more: "hash",
  order: "zset",
  logs: "list",
  logged: "hash",
  runs: "hash list",
  starts: "zset",
  listed: "zset",
  plan: "hash",
  names: "hash",
  versions: "hash",
  queues: "hash",
  settings: "hash",
  roles: "hash",
  caps: "hash",
  role: "set",
  orphans: "hash",
  lines: "set",
  near: "list",
  nears: "set",
  sticky: "set",
  line: "list",
  timers: "zset",
  sessions: "zset",
  session: "hash",
  host: "set",
  worker: "set",
  leaving: "set",
  held: "set",
  control: "set",
  beats: "hash",
  lanes: "hash",
  mail: "hash",
  idle: "zset",
  box: "list",
  readers: "set",
  events: "stream",
  durations: "hash",
  ended: "list",
  kept: "zset",
  purging: "list",
  forget: "list",
  limits: "hash",
  ruled: "hash",
  turns: "hash",
  levels: "hash",
  depths: "hash",
  buckets: "hash",
  sweeps: "hash",
  openings: "zset",
  slots: "hash",
  used: "hash",
  ring: "zset",
  rings: "set",
  tenants: "zset",
  tags: "zset",
  times: "hash",
  weights: "hash",
  parked: "zset",
  parkedkeys: "set",
  blobs: "zset",
  dead: "zset",
  letters: "hash",
  lettersof: "set",
  lettercounts: "hash",
  lettered: "set",
};

/** Words that name one key only. */
const single = new Set([
  "schema",
  "packed",
  "kinds",
  "progress",
  "clock",
  "names",
  "versions",
  "starts",
  "queues",
  "sticky",
  "settings",
  "roles",
  "caps",
  "orphans",
  "timers",
  "sessions",
  "leaving",
  "readers",
  "durations",
  "events",
  "kept",
  "purging",
  "forget",
  "limits",
  "ruled",
  "turns",
  "times",
  "levels",
  "depths",
  "sweeps",
  "openings",
  "blobs",
  "dead",
  "letters",
  "lettercounts",
  "lettered",
]);

/** The keys that every store may have: whatever stands under such a name, scripts meet it. */
export const fixedNames: readonly string[] = [
  ...single,
  "runs",
  ...["s", "f", "c"].map((end) => `ended:${end}`),
];

/** Kinds with nothing to look at beyond their type: what they list is dropped by whoever meets it, or counted elsewhere. */
const plain = new Set([
  "schema",
  "clock",
  "packed",
  "kinds",
  "plan",
  "versions",
  "orphans",
  "lines",
  "nears",
  "sticky",
  "timers",
  "leaving",
  "idle",
  "readers",
  "durations",
  "events",
  "limits",
  "ruled",
  "turns",
  "times",
  "tags",
  "depths",
  "buckets",
  "sweeps",
  "openings",
  "rings",
  "parkedkeys",
  "blobs",
]);

/** True for a name that Jobbers uses, with the type that it gives it. */
export function isOfType(name: string, type: string): boolean {
  const word = wordOf(name);
  const known = Object.hasOwn(types, word) ? (types[word] as string).split(" ") : [];
  if (!known.includes(type)) return false;
  if (word === "runs") return type === (name === "runs" ? "hash" : "list");
  return (
    single.has(word) === (name === word) &&
    (word !== "ended" || /^ended:[sfc]$/.test(name)) &&
    (word !== "listed" || /^listed:[dfc]$/.test(name))
  );
}

/** How a key is looked at, where it is at all. */
export function handlerOf(name: string): Handler[] {
  const word = wordOf(name);
  if (plain.has(word) || name === "runs") return [];
  if (word === "ended") return [{ name, id: "" }];
  return [{ name: word, id: name.slice(word.length + 1) }];
}

function wordOf(name: string): string {
  const colon = name.indexOf(":");
  return colon === -1 ? name : name.slice(0, colon);
}
