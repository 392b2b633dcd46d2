import { z } from "@hono/zod-openapi";
import { JobbersError, type LimitEdit, type LimitUsage, quoted } from "@jobbers/core";
import { json } from "../answers.js";
import { readJsonBody } from "../doors/body.js";
import { iso, isoMaybe } from "../instants.js";
import { pointerOf, refusalOf } from "../problem.js";
import { defineRoute } from "../route.js";
import {
  type LimitEditBody,
  type LimitList,
  type LimitUsageView,
  limitEdit,
  limitEdited,
  limitList,
  limitUsage,
} from "../wire/limits.js";

/** `GET /v1/limits` */
export const listLimits = defineRoute(
  {
    method: "get",
    path: "/v1/limits",
    operationId: "listLimits",
    tag: "fleet",
    summary: "The limits, what code says of each and what edits say",
    answers: { 200: { description: "By name.", schema: limitList } },
    problems: ["store-busy", "store-closed"],
  },
  async ({ store }) => {
    const body = { limits: await store.listLimits() } as LimitList;
    return json(body);
  },
);

/** `GET /v1/limits/usage` */
export const readLimit = defineRoute(
  {
    method: "get",
    path: "/v1/limits/usage",
    operationId: "readLimit",
    tag: "fleet",
    summary: "How one key of a limit stands: who has its slots, when it opens",
    query: z.strictObject({
      limit: z.string().min(1).max(600).openapi({ example: "fetch/rate" }),
      key: z.string().max(1_000).optional().openapi({ description: "Left out where all share it." }),
    }),
    answers: { 200: { description: "At this moment.", schema: limitUsage } },
    problems: ["limit-unknown", "store-busy", "store-closed"],
  },
  async ({ store }, { query: { limit, key = "" } }) => {
    const usage = await store.readLimit(limit, key);
    const isKnown =
      usage.setting !== undefined || (await store.listLimits()).some(({ name }) => name === limit);
    if (!isKnown) throw unknown(limit);
    return json(viewOf(usage));
  },
);

/** `POST /v1/limits` */
export const setLimit = defineRoute(
  {
    method: "post",
    path: "/v1/limits",
    operationId: "setLimit",
    tag: "fleet",
    summary: "Set a limit, take it away for a while, or have the code's setting again",
    description: "Holds at once for everybody, and goes before what code says. May be repeated.",
    body: { type: "application/json", schema: limitEdit },
    answers: { 200: { description: "As it is now; absent where it is gone.", schema: limitEdited } },
    problems: ["limit-unknown", "limit-invalid", "store-busy", "store-unwritable", "store-closed"],
  },
  async ({ store, limits }, { c }) => {
    const { limit, set } = readEdit(await readJsonBody(c, limits));
    const result = await store.setLimit(limit, set as LimitEdit);
    if (result.status === "unknown") throw unknown(limit);
    if (result.status === "misfit")
      throw new JobbersError(
        "limit-invalid",
        `limit ${quoted(limit)} is of the other kind: starts per time, or attempts at once`,
      );
    return json({ limit: result.status === "edited" ? result.limit : undefined });
  },
);

function readEdit(body: unknown): LimitEditBody {
  const parsed = limitEdit.safeParse(body);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.slice(0, 10).map(({ path, message }) => ({
    pointer: pointerOf(path),
    detail: `is wrong: ${message}`,
  }));
  throw refusalOf(
    "body-invalid",
    "the body is not what POST /v1/limits takes",
    errors as [(typeof errors)[number]],
  );
}

function unknown(name: string): JobbersError {
  return new JobbersError(
    "limit-unknown",
    `there is no limit ${quoted(name)}; \`jobbers limits\` shows all there are`,
  );
}

function viewOf({ nowMs, opensAtMs, throttledUntilMs, holders, ...usage }: LimitUsage): LimitUsageView {
  return {
    ...usage,
    at: iso(nowMs),
    opensAt: isoMaybe(opensAtMs),
    throttledUntil: isoMaybe(throttledUntilMs),
    holders: holders.map(({ address, ...holder }) => ({ ...holder, step: address })),
  } as LimitUsageView;
}
