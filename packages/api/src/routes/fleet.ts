import { json } from "../answers.js";
import { defineRoute } from "../route.js";
import { workerView } from "../views.js";
import { type QueueList, queueList, type WorkerList, workerList } from "../wire/fleet.js";

/** `GET /v1/queues` */
export const listQueues = defineRoute(
  {
    method: "get",
    path: "/v1/queues",
    operationId: "listQueues",
    tag: "fleet",
    summary: "The queues and how much is in them",
    answers: { 200: { description: "By name.", schema: queueList } },
    problems: ["store-busy", "store-closed"],
  },
  async ({ store }) => {
    const body: QueueList = { queues: await store.listQueues() };
    return json(body);
  },
);

/** `GET /v1/workers` */
export const listWorkers = defineRoute(
  {
    method: "get",
    path: "/v1/workers",
    operationId: "listWorkers",
    tag: "fleet",
    summary: "The workers that have a session",
    answers: { 200: { description: "One entry a session.", schema: workerList } },
    problems: ["store-busy", "store-closed"],
  },
  async ({ store }) => {
    const body: WorkerList = { workers: (await store.listWorkers()).map(workerView) };
    return json(body);
  },
);
