import { z } from "@hono/zod-openapi";
import { JobbersError, type QueueEdit, type QueueRecord, queueIn, quoted } from "@jobbers/core";
import type { Context } from "hono";
import { json } from "../answers.js";
import type { ApiContext } from "../context.js";
import { editorIn } from "../editor.js";
import { readFields } from "../fields.js";
import { isoMaybe } from "../instants.js";
import { refusalOf } from "../problem.js";
import { defineRoute } from "../route.js";
import { name } from "../wire/basics.js";
import {
  type Queue,
  type QueueList,
  type QueueObliterated,
  queue,
  queueAct,
  queueEdit,
  queueList,
  queueObliterated,
  queueObliteration,
} from "../wire/queue.js";

const queuePath = z.object({ name });

const editing = {
  tag: "fleet",
  params: queuePath,
  answers: { 200: { description: "The queue as it is now.", schema: queue } },
  problems: ["store-busy", "store-unwritable", "store-closed"],
} as const;

/** `GET /v1/queues` */
export const listQueues = defineRoute(
  {
    method: "get",
    path: "/v1/queues",
    operationId: "listQueues",
    tag: "fleet",
    summary: "The queues, how much is in them and how they are set",
    answers: { 200: { description: "By name.", schema: queueList } },
    problems: ["store-busy", "store-closed"],
  },
  async (context) => {
    const body: QueueList = { queues: await readQueues(context) };
    return json(body);
  },
);

/** `GET /v1/queues/{name}` */
export const getQueue = defineRoute(
  {
    method: "get",
    path: "/v1/queues/{name}",
    operationId: "getQueue",
    tag: "fleet",
    summary: "A queue, how much is in it and how it is set",
    params: queuePath,
    answers: { 200: { description: "The queue.", schema: queue } },
    problems: ["queue-unknown", "store-busy", "store-closed"],
  },
  async (context, { params: { name } }) => {
    const found = queueIn(await readQueues(context), name);
    if (!found)
      throw new JobbersError(
        "queue-unknown",
        `no step has stood in a queue ${quoted(name)}, and nobody has set it`,
      );
    return json(found);
  },
);

/** `PATCH /v1/queues/{name}` */
export const setQueue = defineRoute(
  {
    ...editing,
    method: "patch",
    path: "/v1/queues/{name}",
    operationId: "setQueue",
    summary: "Set the policy of a queue",
    description: "Holds at once for everybody, and goes before what code says. May be repeated.",
    body: { type: "application/json", schema: queueEdit },
  },
  async (context, { c, params: { name } }) => {
    const { by, ...policy } = await readFields(c, context.limits, queueEdit, "an edit of a queue");
    return edit(context, c, name, policy, by);
  },
);

/** `POST /v1/queues/{name}/pause` */
export const pauseQueue = defineRoute(
  {
    ...editing,
    method: "post",
    path: "/v1/queues/{name}/pause",
    operationId: "pauseQueue",
    summary: "Have nothing of a queue taken any more",
    description: "What runs goes on. Holds at once for everybody. May be repeated.",
    body: { type: "application/json", schema: queueAct, optional: true },
  },
  (context, { c, params }) => act(context, c, params.name, { paused: true }),
);

/** `POST /v1/queues/{name}/resume` */
export const resumeQueue = defineRoute(
  {
    ...editing,
    method: "post",
    path: "/v1/queues/{name}/resume",
    operationId: "resumeQueue",
    summary: "Have a queue be taken from again, and take submissions again",
    body: { type: "application/json", schema: queueAct, optional: true },
  },
  (context, { c, params }) => act(context, c, params.name, { paused: false, draining: false }),
);

/** `POST /v1/queues/{name}/drain` */
export const drainQueue = defineRoute(
  {
    ...editing,
    method: "post",
    path: "/v1/queues/{name}/drain",
    operationId: "drainQueue",
    summary: "Refuse new submissions to a queue while what is in it is worked off",
    description:
      "What runs lead to later is not refused. It is drained when nothing is ready or running any more.",
    body: { type: "application/json", schema: queueAct, optional: true },
  },
  (context, { c, params }) => act(context, c, params.name, { draining: true }),
);

/** `POST /v1/queues/{name}/obliterate` */
export const obliterateQueue = defineRoute(
  {
    method: "post",
    path: "/v1/queues/{name}/obliterate",
    operationId: "obliterateQueue",
    tag: "fleet",
    summary: "Cancel all steps that wait in a queue, a page a call",
    description:
      "What runs goes on, and what comes after the first call stays. Runs that lose a step end as cancelled.",
    params: queuePath,
    body: { type: "application/json", schema: queueObliteration },
    answers: { 200: { description: "How far it is.", schema: queueObliterated } },
    problems: ["store-busy", "store-unwritable", "store-closed"],
  },
  async (context, { c, params: { name } }) => {
    const { store, limits } = context;
    const fields = await readFields(c, limits, queueObliteration, "the obliteration of a queue");
    if (fields.confirm !== name)
      throw refusalOf(
        "body-invalid",
        `what waits in queue ${quoted(name)} is only removed where that is confirmed`,
        [{ pointer: "/confirm", detail: "is not the queue's name" }],
      );
    const { cursor, limit = 500 } = fields;
    const body: QueueObliterated = await store.obliterateQueue(name, { cursor, limit });
    return json(body);
  },
);

async function act(context: ApiContext, c: Context, name: string, change: QueueEdit): Promise<Response> {
  const { by } = await readFields(c, context.limits, queueAct, "an act on a queue");
  return edit(context, c, name, change, by);
}

async function edit(
  context: ApiContext,
  c: Context,
  name: string,
  change: QueueEdit,
  by: string | undefined,
): Promise<Response> {
  const settings = await context.store.setQueue(name, change, editorIn(c, by));
  // An edit that changed nothing of a queue that nobody has used makes no record of it.
  const unused = () => queueView({ name, ready: 0, running: 0, settings }, 0);
  return json(queueIn(await readQueues(context), name) ?? unused());
}

async function readQueues({ store }: ApiContext): Promise<Queue[]> {
  const [queues, workers] = await Promise.all([store.listQueues(), store.listWorkers()]);
  const serving = new Map<string, number>();
  for (const each of workers.flatMap(({ queues }) => queues)) serving.set(each, (serving.get(each) ?? 0) + 1);
  return queues.map((queue) => queueView(queue, serving.get(queue.name) ?? 0));
}

function queueView({ settings, ...rest }: QueueRecord, workers: number): Queue {
  if (!settings) return { ...rest, workers };
  const { editedAtMs, ...set } = settings;
  return { ...rest, workers, settings: { ...set, editedAt: isoMaybe(editedAtMs) } };
}
