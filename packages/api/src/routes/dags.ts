import { z } from "@hono/zod-openapi";
import { JobbersError, quoted } from "@jobbers/core";
import { json } from "../answers.js";
import { iso } from "../instants.js";
import { defineRoute } from "../route.js";
import { name } from "../wire/basics.js";
import { type DagDetail, type DagList, dagDetail, dagList } from "../wire/dag.js";

/** `GET /v1/dags` */
export const listDags = defineRoute(
  {
    method: "get",
    path: "/v1/dags",
    operationId: "listDags",
    tag: "dags",
    summary: "The dags and tasks that workers have registered",
    description: "They stay registered when their workers are gone.",
    answers: { 200: { description: "By name.", schema: dagList } },
    problems: ["store-busy", "store-closed"],
  },
  async ({ store }) => {
    const all = await store.listRegistrations();
    const body: DagList = {
      dags: all.map(({ kind, name, plan, registeredAtMs }) => ({
        kind,
        name,
        version: plan,
        registeredAt: iso(registeredAtMs),
      })),
    };
    return json(body);
  },
);

/** `GET /v1/dags/{name}` */
export const getDag = defineRoute(
  {
    method: "get",
    path: "/v1/dags/{name}",
    operationId: "getDag",
    tag: "dags",
    summary: "A dag or task with its plan, schemas and versions",
    params: z.object({ name: name.openapi({ param: { name: "name", in: "path" } }) }),
    answers: { 200: { description: "Its newest version.", schema: dagDetail } },
    problems: ["workflow-unknown", "store-busy", "store-closed"],
  },
  async ({ store }, { params }) => {
    const [found, versions] = await Promise.all([
      store.findRegistration(params.name),
      store.listVersions(params.name),
    ]);
    if (!found)
      throw new JobbersError("workflow-unknown", `the store knows no task or dag ${quoted(params.name)}`);
    const { kind, name, plan, planText, registeredAtMs, inputSchema, outputSchema } = found;
    const body: DagDetail = {
      ...{ kind, name, version: plan, registeredAt: iso(registeredAtMs) },
      plan: JSON.parse(planText) as DagDetail["plan"],
      ...(inputSchema !== undefined && { inputSchema: JSON.parse(inputSchema) as unknown }),
      ...(outputSchema !== undefined && { outputSchema: JSON.parse(outputSchema) as unknown }),
      versions: versions.map((each) => ({
        version: each.plan,
        registeredAt: iso(each.registeredAtMs),
        runs: each.runs,
      })),
    };
    return json(body);
  },
);
