import { json } from "../answers.js";
import { defineRoute } from "../route.js";
import { workerView } from "../views.js";
import { type WorkerList, workerList } from "../wire/fleet.js";

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
