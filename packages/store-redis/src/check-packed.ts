import type { Flaw } from "@jobbers/core";
import { keyScript } from "./check-scripts.js";
import { kindNameOf } from "./packed.js";
import type { Server } from "./server.js";
import { KIND_CHARS, US } from "./text.js";

/** About how many fields one look tells. */
const PAGE = 500;

/** Packed runs are all in one hash. */
export async function checkPacked(
  server: Server,
  look: (ids: readonly string[]) => Promise<Flaw[]>,
): Promise<Flaw[]> {
  const problems: Flaw[] = [];
  for await (const page of pagesOf(server, server.keys.packed)) {
    problems.push(...(await look(page.map(([id]) => id))));
  }
  return problems;
}

/** Kinds end with their plan, which lists them. One that no plan lists stays as long as there are packed runs of it. */
export async function checkKinds(server: Server, repair: boolean): Promise<Flaw[]> {
  const suspects: string[] = [];
  for await (const page of pagesOf(server, server.keys.kinds)) {
    const listed = await Promise.all(page.map(([name, text]) => isListed(server, name, text)));
    suspects.push(...page.filter((_, i) => !listed[i]).map(([name]) => name));
  }
  if (suspects.length === 0) return [];
  const used = await usedKinds(server);
  // The script looks again: a submission may have brought the plan back meanwhile.
  const looked = await Promise.all(
    suspects.map((name) =>
      server.run(keyScript, repair, { name: "kind", id: name + (used.has(name) ? "+" : "") }, "0"),
    ),
  );
  return looked.flatMap(({ problems }) => problems);
}

async function isListed({ keys, look }: Server, name: string, kind: string): Promise<boolean> {
  const plan = kind.slice(0, Math.max(0, kind.indexOf(US)));
  const [text, list] = await look((redis) => redis.hmget(`${keys.prefix}plan:${plan}`, "text", "kinds"));
  if (typeof text !== "string" || typeof list !== "string") return false;
  for (let at = 0; at < list.length; at += KIND_CHARS) if (list.startsWith(name, at)) return true;
  return false;
}

async function usedKinds(server: Server): Promise<Set<string>> {
  const used = new Set<string>();
  for await (const page of pagesOf(server, server.keys.packed)) {
    for (const [, record] of page) used.add(kindNameOf(record));
  }
  return used;
}

async function* pagesOf(server: Server, key: string): AsyncGenerator<[field: string, value: string][]> {
  let cursor = "0";
  do {
    const [next, found] = await server.look((redis) => redis.hscan(key, cursor, "COUNT", PAGE));
    const page: [string, string][] = [];
    for (let i = 0; i < found.length; i += 2) page.push([found[i] as string, found[i + 1] as string]);
    yield page;
    cursor = next;
  } while (cursor !== "0");
}
