import { type OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import { type ErrorCode, errorCatalogue } from "@jobbers/core";
import type { Context } from "hono";
import type { ApiContext } from "./context.js";
import { issueWords } from "./issue-words.js";
import { pointerOf, refusalOf } from "./problem.js";
import { problem } from "./wire/problem.js";

/** The parameters of a path or a query: from texts. */
export type Params = z.ZodObject<Record<string, z.ZodType>>;

/** How a route is asked. */
export type Method = "get" | "post" | "put" | "patch" | "delete";

/** What a route takes and answers; its handler and the OpenAPI document are both made from it. */
export interface RouteSpec<P extends Params, Q extends Params> {
  readonly method: Method;
  /** With parameters as `{id}`. */
  readonly path: string;
  /** The path that it is found by, where that is not the same with `:id`. */
  readonly found?: string;
  readonly operationId: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: P;
  readonly query?: Q;
  readonly headers?: Params;
  readonly body?: {
    readonly type: string;
    readonly schema: z.ZodType;
    readonly description?: string;
    /** True where a request without a body does, too. */
    readonly optional?: boolean;
  };
  readonly answers: Readonly<Record<number, Answer>>;
  /** What it may refuse, besides what any route may. */
  readonly problems: readonly ErrorCode[];
  /** False where no token is asked for: it tells nothing, and has no parameter in its path. */
  readonly secured?: boolean;
}

/** One answer of a route. */
export interface Answer {
  readonly description: string;
  readonly type?: string;
  readonly schema?: z.ZodType;
  readonly headers?: Readonly<Record<string, { description: string; schema: { type: "string" } }>>;
}

/** A request at its route, its parameters checked. */
export interface Call<P, Q> {
  readonly c: Context;
  readonly params: P;
  readonly query: Q;
}

/** A route that can be mounted. */
export interface Route {
  readonly method: Method;
  /** The path where no token is asked for; absent where one is. */
  readonly open?: string | undefined;
  /** True for a path that it is found by. */
  matches(path: string): boolean;
  mount(app: OpenAPIHono, context: ApiContext): void;
}

type NoParams = z.ZodObject<Record<never, never>>;

/** Declares a route: what it takes and answers, and who answers it. */
export function defineRoute<P extends Params = NoParams, Q extends Params = NoParams>(
  spec: RouteSpec<P, Q>,
  handle: (context: ApiContext, call: Call<z.output<P>, z.output<Q>>) => Response | Promise<Response>,
): Route {
  const { method, path, params, query } = spec;
  const found = spec.found ?? path.replace(/\{(\w+)\}/g, ":$1");
  const form = new RegExp(
    `^${path.replaceAll(".", "\\.").replace(/\{(\w+)\}/g, found.includes("{.+}") ? "(.+)" : "([^/]+)")}$`,
  );
  return {
    method,
    open: spec.secured === false ? path : undefined,
    matches: (given) => form.test(given),
    mount(app, context) {
      app.openAPIRegistry.registerPath(configOf(spec));
      app.on(method.toUpperCase(), found, (c) =>
        handle(context, {
          c,
          params: (params ? parse(params, c.req.param(), `the path of ${path}`) : nothing) as z.output<P>,
          query: (query
            ? parse(query, onceEach(c.req.queries(), path), `the query of ${path}`)
            : nothing) as z.output<Q>,
        }),
      );
    },
  };
}

const nothing = {};

function onceEach(given: Record<string, string[]>, path: string): Record<string, string> {
  const twice = Object.keys(given).find((key) => (given[key] as string[]).length > 1);
  if (twice !== undefined)
    throw refusalOf("query-invalid", `the query of ${path}`, [
      { pointer: pointerOf([twice]), detail: "is given twice" },
    ]);
  return Object.fromEntries(Object.entries(given).map(([key, [value]]) => [key, value as string]));
}

function parse(schema: Params, given: unknown, what: string): unknown {
  const parsed = schema.safeParse(given, { error: issueWords });
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.slice(0, 10).map((issue) => {
    if (issue.code !== "unrecognized_keys")
      return { pointer: pointerOf(issue.path), detail: `is wrong: ${issue.message}` };
    const known = Object.keys(schema.shape).join(", ");
    return {
      pointer: pointerOf(issue.keys.slice(0, 1)),
      detail: `is no parameter of it; there are ${known}`,
    };
  });
  throw refusalOf("query-invalid", what, errors as [(typeof errors)[number]]);
}

/** What any route may refuse. */
const ALWAYS: readonly ErrorCode[] = ["host-not-allowed", "internal"];
const FOR_BODY: readonly ErrorCode[] = [
  "body-invalid",
  "body-timeout",
  "body-too-large",
  "media-type-unsupported",
];

function configOf(spec: RouteSpec<Params, Params>): RouteConfig {
  const { method, path, operationId, tag, summary, description, params, query, headers, body, answers } =
    spec;
  const codes = new Set([...ALWAYS, ...spec.problems]);
  if (spec.secured !== false) codes.add("unauthorized");
  if (method !== "get") codes.add("cross-site");
  if (body) for (const code of FOR_BODY) codes.add(code);
  if (params || query) codes.add("query-invalid");
  return {
    ...{ method, path, operationId, summary, tags: [tag] },
    ...(description !== undefined && { description }),
    ...(spec.secured === false && { security: [] }),
    request: {
      ...(params && { params }),
      ...(query && { query }),
      ...(headers && { headers }),
      ...(body && {
        body: {
          required: body.optional !== true,
          ...(body.description !== undefined && { description: body.description }),
          content: { [body.type]: { schema: body.schema } },
        },
      }),
    },
    responses: { ...mapValues(answers, responseOf), ...refusals([...codes]) },
  };
}

function responseOf({ description, type, schema, headers }: Answer) {
  if (!schema && type === undefined) return { description };
  const content = { [type ?? "application/json"]: { schema: schema ?? z.string() } };
  return { description, content, ...(headers && { headers }) };
}

/** One response a status, which names the codes that it may have. */
function refusals(codes: readonly ErrorCode[]) {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = errorCatalogue[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, these]) => [
      status,
      {
        description: these.map((code) => `\`${code}\`: ${errorCatalogue[code].title}.`).join(" "),
        content: { "application/problem+json": { schema: problem } },
      },
    ]),
  );
}

function mapValues<T, R>(record: Readonly<Record<number, T>>, map: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
