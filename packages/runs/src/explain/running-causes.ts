import { type Liveness, livenessOf, type ProgressRecord, type TaskStep, USUAL_COUNT } from "@jobbers/core";
import type { Cause, RunningCause } from "./cause.js";
import { figure, span } from "./figures.js";
import { controlWork, type Placed } from "./place-causes.js";
import { find, type Scene } from "./scene.js";

/** A step that a live worker has: since when, how it is, how far, and how long it may take. */
export async function running(scene: Scene, placed: Placed): Promise<Cause> {
  const { nowMs, index } = scene;
  const { title, address, where, record } = placed;
  const { holder, phase } = where;
  const worker = holder?.worker ?? record?.worker;
  const leaseUntilMs = holder?.expiresAtMs;
  const by = worker === undefined ? "a worker" : `worker ${worker}`;
  const lease =
    leaseUntilMs === undefined ? "" : `; its lease is good for ${span(leaseUntilMs - nowMs)} more`;
  const sinceMs = phase === "advance" ? undefined : record?.startedAtMs;
  const held = { type: "running", step: address, work: phase, worker, sinceMs, leaseUntilMs } as const;
  if (phase !== "run") {
    const sentence = `${title} is with ${by}, which ${controlWork[phase]}${lease}.`;
    const { facts } = await lifeOf(scene, placed, undefined);
    return { ...held, liveness: facts.liveness, sentence };
  }
  const step = find(index, address)?.step as TaskStep | undefined;
  const attempts = step?.retry.attempts;
  const attempt = record && record.tries + 1;
  const age = sinceMs === undefined ? "" : ` for ${span(nowMs - sinceMs)}`;
  const tries = attempts !== undefined && attempts > 1 ? `, try ${attempt} of ${attempts}` : "";
  const { facts, warning = "" } = await lifeOf(scene, placed, step);
  const far = facts.progress ? farIn(facts.progress, nowMs) : "";
  const sentence = `${title} runs on ${by}${age}${tries}${far}${lease}.${warning}${estimateIn(facts, nowMs)}`;
  return { ...held, attempt, attempts, ...facts, sentence };
}

type Facts = Pick<RunningCause, "liveness" | "progress" | "usual" | "likelyEndMs">;

/** How a step is that runs, and what is known of others of its task. */
async function lifeOf(
  { look, nowMs }: Scene,
  { where, record }: Placed,
  step: TaskStep | undefined,
): Promise<{ readonly facts: Facts; readonly warning?: string | undefined }> {
  const worker = (await look.workers()).find(({ session }) => session === where.holder?.session);
  // It has moved on while this was looked at.
  if (record?.state !== "running" || !worker) return { facts: {} };
  const found = step && (await look.durations(step.task));
  const usual = found && found.count >= USUAL_COUNT ? found : undefined;
  const liveness = livenessOf({ step: record, worker, usual, heartbeatMs: step?.heartbeatMs }, nowMs);
  const { startedAtMs, progress } = record;
  const isEarly = usual && startedAtMs !== undefined && nowMs - startedAtMs < usual.p50Ms;
  const likelyEndMs = isEarly ? Math.round(startedAtMs + usual.p95Ms) : undefined;
  const silentMs = nowMs - Math.max(progress?.heardAtMs ?? 0, startedAtMs ?? 0);
  const warnings: Partial<Record<Liveness, string>> = {
    "blocked-loop": ` The main loop of its worker is late by ${span(worker.lagMs ?? 0)}: something there computes without a pause.`,
    frozen: ` It was silent for ${span(silentMs)} and may be for ${span(step?.heartbeatMs ?? 0)}, so it is given up.`,
    slow: ` It is slow: 19 of 20 lately took ${precise(usual?.p95Ms ?? 0)} at most.`,
  };
  return { facts: { liveness, progress, usual, likelyEndMs }, warning: liveness && warnings[liveness] };
}

/** How far it is: `, at "parsing" for 3 s, 340 of 1,000`. */
function farIn({ at, sinceMs, done, total }: ProgressRecord, nowMs: number): string {
  const where = at === undefined ? "" : `, at ${JSON.stringify(at)} for ${span(nowMs - sinceMs)}`;
  if (done === undefined) return where;
  return `${where}, ${figure(done)}${total === undefined ? " done" : ` of ${figure(total)}`}`;
}

/** When it likely ends. Beyond half of the others nobody knows more than what the longest took. */
function estimateIn({ liveness, usual, likelyEndMs }: Facts, nowMs: number): string {
  if (!usual || liveness !== "running") return "";
  if (likelyEndMs === undefined) return ` 19 of 20 lately took ${precise(usual.p95Ms)} at most.`;
  return ` It likely ends within ${span(likelyEndMs - nowMs)}: 19 of 20 lately took ${precise(usual.p95Ms)} at most.`;
}

/** A length of time, also where it is less than a second. */
function precise(ms: number): string {
  return ms < 1_000 ? `${Math.max(1, Math.round(ms))} ms` : span(ms);
}
