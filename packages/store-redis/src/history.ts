import type { AttemptRecord, StepAddress, StepReason } from "@jobbers/core";
import { readFields } from "./packed.js";
import { headOf } from "./runs.js";
import type { Server } from "./server.js";
import { packText, US, unpackText } from "./text.js";

/** The attempts of a step that did not succeed, oldest first: see scripts/shared/history.lua. */
export function listAttempts(
  { keys, look }: Server,
  run: string,
  address: StepAddress,
): Promise<AttemptRecord[]> {
  return look(async (redis) => {
    const field = `!${packText(address)}`;
    const [head, status] = await readFields(redis, keys, run, ["h", "s"]);
    const list = await redis.hget(keys.more(run), field);
    if (!list || !head || !status || headOf(head, status).purged) return [];
    const tokens = list.split(" ");
    const texts = await redis.hmget(keys.more(run), ...tokens.map((token) => field + US + token));
    return tokens
      .flatMap((token, i) => attemptOf(token, texts[i] ?? null))
      .sort((a, b) => a.fence - b.fence || a.endedAtMs - b.endedAtMs);
  });
}

function attemptOf(token: string, text: string | null): AttemptRecord[] {
  const [, worker, started, ended, kind, error] = /^([^,]*),(\d+),(\d+),([EN])(.*)$/s.exec(text ?? "") ?? [];
  if (worker === undefined) return [];
  const colon = token.indexOf(":");
  return [
    {
      fence: Number(token.slice(0, colon)),
      reason: token.slice(colon + 1) as StepReason,
      worker: worker === "" ? undefined : unpackText(worker),
      startedAtMs: Number(started),
      endedAtMs: Number(ended),
      error: kind === "E" ? error : undefined,
    },
  ];
}
