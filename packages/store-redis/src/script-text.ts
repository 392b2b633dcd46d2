import { readFileSync } from "node:fs";

const texts = new Map<string, string>();

/** Fragments that go together. */
const groups: Readonly<Record<string, readonly string[]>> = {
  core: [
    ...["steering", "specs", "kinds", "limits", "meters", "parking", "tenants"],
    ...["packed", "standings", "packed-view", "singles", "ledger", "lease", "roles", "shelves", "events"],
  ],
  general: [
    ...[
      "runs",
      "unpack",
      "steps",
      "members",
      "bodies",
      "shares",
      "values",
      "ready",
      "epilogue",
      "settle",
      "run-end",
    ],
    ...["history", "report", "letters", "sticky"],
  ],
};

const base = read("shared/base");

/** The tables through which fragments call each other. */
const tables = [...base.matchAll(/^-- tables (.+)$/gm)].flatMap(([, names = ""]) => names.split(" "));

const CONSTANTS = /^local ([A-Z, ]+) = (".*)$/gm;

/** The letters and separators that the base names. */
const constants = new Map(
  [...base.matchAll(CONSTANTS)].flatMap(([, names = "", values = ""]) => {
    const list = values.split(", ");
    return names.split(", ").map((name, i) => [name, list[i] as string] as const);
  }),
);

/**
 * A script's text. In place of a line `-- include a b c` come these fragments, in place of `-- later a b c` what has each made only
 * when one of its names is first looked for: to make all functions of an exchange takes longer than most of what it does.
 */
export function scriptText(name: string): string {
  const known = texts.get(name);
  if (known) return known;
  let text = read(name).replace(/^-- (include|later) (.+)$/gm, (_, when: string, list: string) => {
    const fragments = list.split(" ").flatMap((each) => groups[each] ?? [each]);
    return when === "include" ? fragments.map(included).join("\n") : madeLater(fragments);
  });
  // What is a text stands in its place: a variable costs something in each function that knows it.
  text = text
    .replace(base, () => base.replace(CONSTANTS, ""))
    .replace(/\b[A-Z]+\b/g, (word) => constants.get(word) ?? word);
  const code = text.replace(/--.*$/gm, "");
  const own = tables.filter((each) => new RegExp(`\\b${each}\\b`).test(code));
  text = text.replace(/^-- its tables$/m, `local ${own.join(", ")} = ${own.map(() => "{}").join(", ")}`);
  texts.set(name, text);
  return text;
}

function included(name: string): string {
  const text = read(`shared/${name}`);
  return name === "base" || name === "flush" ? text : `do\n${text}\nend`;
}

/** What a fragment has below this line is made later than the rest, whose locals it sees. */
const RARELY = /^-- rarely\b.*$/m;

/** All fragments in one function, of which each call makes one, and a table of their names, by which it is found. */
function madeLater(fragments: readonly string[]): string {
  const names = new Map<string, string>();
  const parts = fragments.map((name, i) => {
    const [usual = "", rare] = read(`shared/${name}`).split(RARELY);
    note(names, usual, `${i}`);
    if (rare === undefined) return `if which == "${i}" then\n${usual}`;
    note(names, rare, `${i}r`);
    return `if which == "${i}" then\n${usual}\nmade[which] = function()\n${rare}\nend`;
  });
  const homes = [...names].map(([table, list]) => `[${table}] = "${list} "`);
  return `${read("shared/later")}
made.homes = { ${homes.join(", ")} }
function made.make(which)
${parts.join("\nelse")}
end
end
for each in pairs(made.homes) do setmetatable(each, made.lookedFor) end`;
}

/** Notes what a part of a fragment gives to one of the tables, and where. */
function note(names: Map<string, string>, text: string, home: string): void {
  let isNamed = false;
  const given = [...text.matchAll(/\bfunction (\w+\.\w+)\(/g)].map(([, name = ""]) => name);
  for (const [, left = ""] of text.matchAll(/^(\w+\.\w+(?:, \w+\.\w+)*) = /gm))
    given.push(...left.split(", "));
  for (const each of given) {
    const [table = "", name = ""] = each.split(".");
    if (!tables.includes(table)) continue;
    isNamed = true;
    names.set(table, `${names.get(table) ?? ""} ${name}:${home}`);
  }
  if (!isNamed) throw new Error(`nobody would look for this part of a script: ${text.slice(0, 80)}`);
}

/** The same place, seen from `src` and from `dist`. */
function read(name: string): string {
  return readFileSync(new URL(`../scripts/${name}.lua`, import.meta.url), "utf8");
}
