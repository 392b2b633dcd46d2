import { Pool } from "undici";

/** One request, made anew each time. */
export interface Shot {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string | undefined;
}

/** What a load is aimed at. */
export interface Target {
  readonly url: string;
  readonly connections: number;
  /** The request with this number, and the status that it has to be answered with. */
  shot(n: number): Shot;
  readonly status: number;
}

/**
 * Requests per second that are answered when every connection sends its next request as soon as the last is answered.
 *
 * @param warmMs how long it runs before it counts
 */
export async function saturate(target: Target, warmMs: number, countedMs: number): Promise<number> {
  await using gun = openGun(target);
  const fromMs = performance.now() + warmMs;
  const untilMs = fromMs + countedMs;
  let n = 0;
  let answered = 0;
  const shooting = Array.from({ length: target.connections }, async () => {
    for (;;) {
      await gun.shoot(n++);
      const nowMs = performance.now();
      if (nowMs > untilMs) return;
      if (nowMs > fromMs) answered++;
    }
  });
  await Promise.all(shooting);
  return (answered / countedMs) * 1000;
}

/**
 * Latencies in milliseconds, from when each request was due to its answer, when requests are due at a steady rate: so one that has to
 * wait behind a slow one is not forgotten.
 */
export async function pace(target: Target, perSecond: number, forMs: number): Promise<number[]> {
  await using gun = openGun(target);
  const fromMs = performance.now();
  const latenciesMs: number[] = [];
  const underWay = new Set<Promise<void>>();
  for (let n = 0; ; ) {
    const nowMs = performance.now();
    if (nowMs - fromMs > forMs) break;
    for (; n < ((nowMs - fromMs) / 1000) * perSecond; n++) {
      const dueMs = fromMs + (n / perSecond) * 1000;
      const shot = gun.shoot(n).then(() => void latenciesMs.push(performance.now() - dueMs));
      underWay.add(shot);
      void shot.finally(() => underWay.delete(shot)).catch(() => undefined);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(underWay);
  return latenciesMs;
}

/** Connections that stay open, and a check of every answer: errors are fast, and would look well in a bench. */
export function openGun({ url, connections, shot, status }: Target) {
  const pool = new Pool(url, { connections, pipelining: 1, headersTimeout: 30_000, bodyTimeout: 30_000 });
  return {
    async shoot(n: number): Promise<string> {
      const { method, path, body } = shot(n);
      const headers = body === undefined ? {} : { "content-type": "application/json" };
      const answer = await pool.request({ method, path, headers, body: body ?? null });
      const text = await answer.body.text();
      if (answer.statusCode !== status)
        throw new Error(`${method} ${path} answered ${answer.statusCode} where ${status} was due: ${text}`);
      return text;
    },
    async [Symbol.asyncDispose]() {
      await pool.close();
    },
  };
}
