import { z } from "@hono/zod-openapi";
import { isEnded, readFrom } from "@jobbers/core";
import { readItems } from "@jobbers/runs";
import { json, jsonText } from "../answers.js";
import { defineRoute } from "../route.js";
import { type RunPending, runItems, runPending } from "../wire/run.js";
import { readEnding, wait } from "./ending.js";
import { limit, runPath } from "./parameters.js";

/** A page ends when it has so many characters of JSON. */
const PAGE_CHARS = 1024 * 1024;

const from = z
  .string()
  .regex(/^\d{1,9}$/, "it takes a whole number")
  .transform(Number)
  .optional()
  .transform((given) => given ?? 0)
  .openapi({
    type: "integer",
    minimum: 0,
    default: 0,
    description: "The index of the first element; the last page's `next`.",
  });

/** `GET /v1/runs/{id}/items` */
export const getItems = defineRoute(
  {
    method: "get",
    path: "/v1/runs/{id}/items",
    operationId: "getItems",
    tag: "runs",
    summary: "The output of a run, a list, a page at a time; its end is waited for where that is asked",
    params: runPath,
    query: z.strictObject({ from, limit: limit(500, 100), wait }),
    answers: {
      200: { description: "Some elements of the list that the run answers.", schema: runItems },
      202: { description: "It has not ended, also after the wait.", schema: runPending },
    },
    problems: [
      ...(["run-unknown", "run-failed", "run-cancelled", "output-invalid", "value-too-large"] as const),
      ...(["blob-missing", "blob-altered", "blob-unreachable", "store-busy", "store-closed"] as const),
    ],
  },
  async (context, { c, params: { id }, query }) => {
    const record = await readEnding(context, id, query.wait, c.req.raw.signal);
    if (!isEnded(record.state)) {
      const pending: RunPending = { id, state: record.state };
      return json(pending, 202);
    }
    const items = await readItems(context.store, context.plans, record);
    const texts: string[] = [];
    let chars = 0;
    for await (const each of readFrom(items, query.from)) {
      const text = JSON.stringify(each);
      chars += text.length;
      texts.push(text);
      if (texts.length === query.limit || chars >= PAGE_CHARS) break;
    }
    const end = query.from + texts.length;
    const next = end < items.length ? `,"next":${end}` : "";
    return jsonText(
      `{"id":${JSON.stringify(id)},"length":${items.length},"items":[${texts.join(",")}]${next}}`,
    );
  },
);
