import { json } from "../answers.js";
import { defineRoute } from "../route.js";
import { type Health, health } from "../wire/fleet.js";

/** `GET /healthz` */
export const healthz = defineRoute(
  {
    method: "get",
    path: "/healthz",
    operationId: "healthz",
    tag: "health",
    summary: "Whether the process answers",
    secured: false,
    answers: { 200: { description: "It does.", schema: health } },
    problems: [],
  },
  () => ok(),
);

/** `GET /readyz` */
export const readyz = defineRoute(
  {
    method: "get",
    path: "/readyz",
    operationId: "readyz",
    tag: "health",
    summary: "Whether the store answers",
    answers: { 200: { description: "It does.", schema: health } },
    problems: ["store-busy", "store-closed"],
  },
  async ({ store }) => {
    await store.lastEvent();
    return ok();
  },
);

function ok(): Response {
  const body: Health = { status: "ok" };
  return json(body);
}
