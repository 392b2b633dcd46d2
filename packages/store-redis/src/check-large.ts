import type { Flaw } from "@jobbers/core";
import type { Redis } from "ioredis";
import { type Sums, stepsScript, sumsScript } from "./check-scripts.js";
import type { Server } from "./server.js";

/** How many steps one script looks at, and how many fields one look at a hash reads. */
const PAGE = 100;
const FIELDS = 1_000;

/**
 * Looks through a run with very many steps. Each page of them is one transition; what the run counts is recounted twice, and told
 * only where both recounts find the same: a run that goes on meanwhile is not wronged.
 */
export async function checkLargeRun(server: Server, run: string, repair: boolean): Promise<Flaw[]> {
  const problems: Flaw[] = [];
  let last: string[] = [];
  for (const isSecond of [false, true]) {
    const steps = await fieldsOf(server, run, "@");
    const sums: Sums = { bodies: {}, names: {}, holds: {} };
    for (let at = 0; at < steps.length; at += PAGE) {
      // Only the first time: what was mended then is not looked for again.
      const looked = await server.run(stepsScript, repair, run, steps.slice(at, at + PAGE));
      add(sums, looked.sums);
      problems.push(...looked.problems);
    }
    const bodies = await fieldsOf(server, run, "#");
    const names = (await fieldsOf(server, run, "+")).map((name) => `+${name}`);
    const whole = await server.run(sumsScript, repair && isSecond, { run, sums, last, bodies, names });
    last = whole.unsure;
    if (isSecond || last.length === 0) return unique([...problems, ...whole.problems]);
  }
  return problems;
}

/** The names of the fields with a first letter, without it. */
function fieldsOf({ keys, look }: Server, run: string, letter: string): Promise<string[]> {
  return look(async (redis) => {
    const found = await Promise.all(
      [keys.run(run), keys.more(run)].map((key) => scanFields(redis, key, letter)),
    );
    return [...new Set(found.flat())];
  });
}

async function scanFields(redis: Redis, key: string, letter: string): Promise<string[]> {
  const names: string[] = [];
  let cursor = "0";
  do {
    const [next, page] = await redis.hscan(key, cursor, "MATCH", `${letter}*`, "COUNT", FIELDS);
    for (let i = 0; i < page.length; i += 2) names.push((page[i] as string).slice(1));
    cursor = next;
  } while (cursor !== "0");
  return names;
}

function add(sums: Sums, page: Sums): void {
  for (const [owner, counts] of Object.entries(page.bodies)) {
    const all = sums.bodies[owner] ?? [0, 0, 0];
    sums.bodies[owner] = all.map((n, i) => n + (counts[i] ?? 0));
  }
  for (const list of ["names", "holds"] as const) {
    for (const [name, n] of Object.entries(page[list])) sums[list][name] = (sums[list][name] ?? 0) + n;
  }
  sums.due ??= page.due;
}

/** Both passes may have met the same. */
function unique(problems: readonly Flaw[]): Flaw[] {
  const seen = new Map<string, Flaw>();
  for (const each of problems) {
    const name = JSON.stringify([each.kind, each.run, each.step, each.key]);
    if (!seen.has(name)) seen.set(name, each);
  }
  return [...seen.values()];
}
