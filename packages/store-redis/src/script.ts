import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";

/** An argument of a script. */
export type Argument = string | number;

/** The typed face of one script: how a call becomes its ARGV (from the second on; the first is the instant), and a reply a result. */
export interface Script<Call extends readonly unknown[], Reply> {
  /** The file in `scripts/`, without its ending. */
  readonly name: string;
  encode(...call: Call): Argument[];
  decode(reply: unknown, ...call: Call): Reply;
}

const texts = new Map<string, string>();

/** Fragments that go together. */
const groups: Readonly<Record<string, readonly string[]>> = {
  core: [
    "clock",
    "steering",
    "specs",
    "kinds",
    "limits",
    "meters",
    "parking",
    "tenants",
    "packed",
    "standings",
    "packed-view",
    "singles",
    "ledger",
    "lease",
    "roles",
    "shelves",
    "events",
  ],
  general: [
    ...["runs", "unpack", "steps", "bodies", "shares", "values", "ready", "epilogue", "settle", "run-end"],
    ...["history", "report", "letters", "sticky"],
  ],
};

/**
 * A script's text, with its fragments in place of the lines `-- include a b c`, and of `-- later a b c`, which has them made only
 * when one of their functions is first called.
 */
export function scriptText(name: string): string {
  const known = texts.get(name);
  if (known) return known;
  const text = read(name).replace(/^-- (include|later) (.+)$/gm, (_, when: string, list: string) => {
    const fragments = list.split(" ").flatMap((each) => groups[each] ?? [each]);
    const whole = fragments.map(fragmentText).join("\n");
    return when === "include" ? whole : `general.makeLater(function()\n${whole}\nend)`;
  });
  texts.set(name, text);
  return text;
}

/** What scripts/shared/base.lua declares; it is all that fragments see of each other. */
const shared: readonly string[] = [
  ...read("shared/base").matchAll(/^local (?:function )?([\w, ]+?)(?: =|\()/gm),
].flatMap(([, names = ""]) => names.split(", "));

/** Fragments that only stores need in which anything is limited, or any queue is set, or any role may run so many steps. */
const conditions: Readonly<Record<string, string>> = {
  ...{ limits: "clock.isLimited", meters: "clock.isLimited", parking: "clock.isLimited" },
  ...{ turns: "clock.isLimited", levels: "clock.steered", roles: "clock.isCapped" },
  ...{ tenants: "clock.isLimited", "fair-turns": "clock.isLimited" },
};

/**
 * A fragment in a block of its own, with locals of its own for what it uses of the base: making a function searches the variables that
 * functions made before have caught, and in a block these are few. It takes a third of the time that way.
 */
function fragmentText(name: string): string {
  const text = read(`shared/${name}`);
  if (name === "base" || name === "flush") return text;
  const code = text.replace(/--.*$/gm, "");
  const used = shared.filter((each) => new RegExp(`\\b${each}\\b`).test(code));
  const condition = conditions[name];
  const start = condition === undefined ? "do" : `if ${condition} then`;
  return `${start}\nlocal ${used.join(", ")} = ${used.join(", ")}\n${text}\nend`;
}

/** The same place, seen from `src` and from `dist`. */
function read(name: string): string {
  return readFileSync(new URL(`../scripts/${name}.lua`, import.meta.url), "utf8");
}

/** Runs a script by its hash; where the server does not know it (any more), ioredis sends its text. */
export function runScript(
  redis: Redis,
  name: string,
  key: string,
  args: readonly Argument[],
): Promise<unknown> {
  // Commands that are defined at run time are unknown to ioredis' types.
  const commands = redis as unknown as Record<
    string,
    ((...args: Argument[]) => Promise<unknown>) | undefined
  >;
  const command = `jobbers-${name}`;
  if (!commands[command]) redis.defineCommand(command, { numberOfKeys: 1, lua: scriptText(name) });
  return (commands[command] as (...args: Argument[]) => Promise<unknown>).call(redis, key, ...args);
}
