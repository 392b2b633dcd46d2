import type { CheckPage, CheckRequest, Flaw } from "@jobbers/core";
import { type Handler, handlerOf, isOfType } from "./check-kinds.js";
import { checkLargeRun } from "./check-large.js";
import { checkKinds, checkPacked } from "./check-packed.js";
import { foreignKey, keyScript, runsScript } from "./check-scripts.js";
import { createGone } from "./gone.js";
import type { Server } from "./server.js";

/** How many runs one script is offered; it takes as many as are one transition's work. */
const BATCH = 20;

/**
 * Looks through all keys of a store, whatever order Redis tells them in. A script looks at one run with all its steps, or at a page
 * of one other key, so that what it finds was so at one instant.
 */
export function createCheck(server: Server): (request: CheckRequest) => Promise<CheckPage> {
  const gone = createGone(server);
  return async ({ repair, cursor = "0", limit }) => {
    if (cursor === "0") gone.forget();
    const { next, keys, types } = await scan(server, cursor, limit);
    const { runs, others, foreign } = sortOut(server.keys.prefix, keys, types);
    const look = (ids: readonly string[]) => checkRuns(server, gone.check, ids, repair);
    const problems = [
      // Before all else, which goes by its counters; also where it is gone.
      ...(cursor === "0" ? await checkKey(server, { name: "clock", id: "" }, repair) : []),
      ...foreign.map(foreignKey),
      ...(await look(runs)),
      ...(keys.includes(server.keys.packed) ? await checkPacked(server, look) : []),
      ...(keys.includes(server.keys.kinds) ? await checkKinds(server, repair) : []),
      ...(await Promise.all(others.map((each) => checkKey(server, each, repair)))).flat(),
    ];
    return { problems, examined: keys.length, ...(next !== "0" && { next }) };
  };
}

/** Redis may tell a key twice, but leaves none out that is there all the time. */
async function scan(server: Server, cursor: string, limit: number) {
  return server.look(async (redis) => {
    const match = `${server.keys.prefix}*`;
    const [next, found] = await redis.scan(cursor, "MATCH", match, "COUNT", Math.max(1, limit));
    const keys = [...new Set(found)];
    const pipeline = redis.pipeline();
    for (const key of keys) pipeline.type(key);
    const types = ((await pipeline.exec()) ?? []).map(([, type]) => String(type));
    return { next, keys, types };
  });
}

function sortOut(prefix: string, keys: readonly string[], types: readonly string[]) {
  const runs: string[] = [];
  const others: Handler[] = [];
  const foreign: string[] = [];
  keys.forEach((key, i) => {
    const name = key.slice(prefix.length);
    const type = types[i] as string;
    // What has ended since it was told is nothing to look at.
    if (type === "none") return;
    if (!isOfType(name, type)) foreign.push(name);
    else if (name.startsWith("run:")) runs.push(name.slice("run:".length));
    else others.push(...handlerOf(name));
  });
  return { runs, others, foreign };
}

type CheckGone = (ids: readonly string[], repair: boolean) => Promise<Flaw[]>;

async function checkRuns(server: Server, checkGone: CheckGone, ids: readonly string[], repair: boolean) {
  const problems: Flaw[] = [];
  const purged: string[] = [];
  for (let at = 0; at < ids.length; ) {
    const batch = ids.slice(at, at + BATCH);
    const looked = await server.run(runsScript, repair, batch);
    problems.push(...looked.problems);
    for (const [i, state] of [...looked.states].entries()) {
      const id = batch[i] as string;
      if (state === "b") problems.push(...(await checkLargeRun(server, id, repair)));
      if (state === "p") purged.push(id);
    }
    at += looked.states.length;
  }
  return [...problems, ...(await checkGone(purged, repair))];
}

async function checkKey(server: Server, handler: Handler, repair: boolean): Promise<Flaw[]> {
  const problems: Flaw[] = [];
  for (let cursor = "0"; ; ) {
    const page = await server.run(keyScript, repair, handler, cursor);
    problems.push(...page.problems);
    cursor = page.next;
    if (cursor === "0") return problems;
  }
}
