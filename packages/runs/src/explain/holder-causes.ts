import type { Holder } from "@jobbers/core";
import type { Cause } from "./cause.js";
import { figure, span } from "./figures.js";
import type { Placed } from "./place-causes.js";
import { running } from "./running-causes.js";
import type { Scene } from "./scene.js";
import { unlessAlive } from "./worker-causes.js";

/** How often workers look for lost ones by default, jitter included, in milliseconds; two looks make a session lost. */
const SWEEP_MS = 6_000;

/** What a step is doing that some worker has. */
export async function inHands(scene: Scene, placed: Placed): Promise<Cause> {
  const { where } = placed;
  const { holder } = where;
  const main =
    holder && isLost(scene, holder) ? await lost(scene, placed, holder) : await running(scene, placed);
  return where.phase === "expand" && placed.record ? expanding(placed, main) : main;
}

function isLost({ nowMs }: Scene, { state, expiresAtMs }: Holder): boolean {
  return state !== "open" || (expiresAtMs !== undefined && expiresAtMs < nowMs);
}

async function lost(scene: Scene, { title, address, where }: Placed, holder: Holder): Promise<Cause> {
  const { nowMs } = scene;
  const { session, worker, state, expiresAtMs, suspectAtMs } = holder;
  const because = state === "open" ? await unlessAlive(scene) : undefined;
  const byMs =
    suspectAtMs === undefined ? nowMs + 2 * SWEEP_MS : Math.max(nowMs + 1_000, suspectAtMs + SWEEP_MS);
  const takenBackByMs = state === "open" && !because ? byMs : undefined;
  const silent =
    expiresAtMs === undefined ? "is gone" : `is silent: its lease expired ${span(nowMs - expiresAtMs)} ago`;
  const next =
    takenBackByMs !== undefined
      ? `another worker gets it in about ${span(takenBackByMs - nowMs)} at the latest`
      : because
        ? "somebody has to be alive to take it back"
        : "it is on its way back to its line";
  return {
    ...{ type: "session-lost", step: address, work: where.phase, worker, session },
    ...{ expiredAtMs: expiresAtMs, takenBackByMs, because },
    sentence: `${title} was with worker ${worker}, which ${silent}; ${next}.`,
  };
}

function expanding({ title, address, where, record }: Placed, main: Cause): Cause {
  const { cursor } = where;
  const count = record?.count;
  const of = count === undefined ? "" : ` of ${figure(count)}`;
  return {
    ...{ type: "expanding", step: address, laidOut: cursor, count },
    sentence: `${title} is being laid out: ${figure(cursor)}${of} elements have their steps so far.`,
    because: [main],
  };
}
