import { readdirSync, readFileSync } from "node:fs";
import { errorCatalogue } from "@jobbers/core";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { RequestRefused } from "../src/problem.js";
import { readRunRequest } from "../src/run-request.js";
import { runRequest } from "../src/wire/submit.js";
import { apiOver } from "./bench.js";
import { openMemory } from "./each-store.js";

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema?: unknown }[];
  readonly requestBody?: { content: Record<string, { schema?: unknown }> };
  readonly responses: Record<
    string,
    { description?: string; content?: Record<string, { schema?: unknown }> }
  >;
}
interface Document {
  readonly openapi: string;
  readonly info: { title: string; version: string };
  readonly tags: readonly { name: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: Record<string, Record<string, unknown>>;
}

let document: Document;
let operations: (Operation & { path: string; method: string })[];
beforeAll(async () => {
  const { createApi } = await import("../src/index.js");
  const { openSqliteStore } = await import("@jobbers/store-sqlite");
  const store = await openSqliteStore("memory:");
  document = (await (await createApi({ store }).request("/openapi.json")).json()) as Document;
  await store.close();
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ ...operation, path, method })),
  );
});

/** Every object of a document with its place. */
function* parts(value: unknown, at = "#"): Generator<[string, Record<string, unknown>]> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield [at, value as Record<string, unknown>];
  for (const [key, part] of Object.entries(value)) yield* parts(part, `${at}/${key}`);
}

describe("the OpenAPI document", () => {
  it("is 3.1, and names what it must", () => {
    expect(document).toMatchObject({ openapi: "3.1.0", info: { title: "Jobbers", version: "1" } });
    const allowed = ["openapi", "info", "servers", "paths", "components", "security", "tags", "webhooks"];
    expect(Object.keys(document).filter((key) => !allowed.includes(key))).toEqual([]);
    expect(document.components.securitySchemes).toMatchObject({ token: { type: "http", scheme: "bearer" } });
  });

  it("has every route of the decision", () => {
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
      [
        ...[
          "get /docs",
          "get /docs/errors",
          "get /docs/style.css",
          "get /healthz",
          "get /openapi.json",
          "get /readyz",
        ],
        ...["delete /v1/dead-letters/{run}/{address}", "get /v1/dead-letters", "get /v1/dead-letters/counts"],
        "get /v1/dead-letters/{run}/{address}",
        ...["get /v1/dags", "get /v1/dags/{name}", "get /v1/events", "get /v1/queues", "get /v1/runs"],
        ...[
          "get /v1/runs/{id}",
          "get /v1/runs/{id}/events",
          "get /v1/runs/{id}/explain",
          "get /v1/runs/{id}/items",
          "get /v1/runs/{id}/logs",
          "get /v1/runs/{id}/logs/stream",
          "get /v1/runs/{id}/result",
          "get /v1/runs/{id}/steps",
        ],
        ...["get /v1/runs/{id}/steps/{address}", "get /v1/workers", "post /v1/runs", "post /v1/runs/bulk"],
        ...["get /v1/limits", "get /v1/limits/usage", "post /v1/limits"],
        ...["post /v1/dead-letters/purge", "post /v1/dead-letters/redrive"],
        "post /v1/dead-letters/{run}/{address}/redrive",
        ...[
          "get /v1/queues/{name}",
          "get /v1/queues/{name}/tenants",
          "patch /v1/queues/{name}",
          "post /v1/queues/{name}/pause",
        ],
        ...[
          "post /v1/queues/{name}/resume",
          "post /v1/queues/{name}/drain",
          "post /v1/queues/{name}/obliterate",
        ],
        ...["get /v1/roles", "get /v1/roles/{name}", "put /v1/roles/{name}", "delete /v1/roles/{name}"],
        ...["post /v1/runs/{id}/cancel", "post /v1/runs/{id}/retry"],
      ].sort(),
    );
  });

  it("has an id, a tag, a summary and described answers for each", () => {
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    const tags = new Set(document.tags.map(({ name }) => name));
    for (const { operationId, summary, tags: own, responses, path, parameters = [] } of operations) {
      expect(operationId).toMatch(/^[a-z][A-Za-z]+$/);
      expect(summary).toBeTruthy();
      expect(own?.every((tag) => tags.has(tag))).toBe(true);
      for (const [status, { description }] of Object.entries(responses)) {
        expect(status).toMatch(/^[2-5]\d\d$/);
        expect(description).toBeTruthy();
      }
      const inPath = parameters.filter((each) => each.in === "path");
      expect(inPath.map(({ name }) => name)).toEqual(
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      );
      for (const each of inPath) expect(each.required).toBe(true);
      for (const each of parameters) expect(each.schema).toBeDefined();
    }
  });

  it("says of each what it may refuse, as problems of the catalogue", () => {
    for (const { responses, path, method, requestBody } of operations) {
      const refusals = Object.keys(responses).filter((status) => Number(status) >= 400);
      expect(refusals).toEqual(expect.arrayContaining(["421", "500"]));
      expect(refusals.includes("401"), path).toBe(!/^\/(healthz|docs.*|openapi\.json)$/.test(path));
      if (path.startsWith("/v1") || path === "/readyz") expect(refusals).toContain("503");
      if (method === "post") expect(refusals).toContain("403");
      if (requestBody) expect(refusals).toEqual(expect.arrayContaining(["400", "408", "413", "415"]));
      for (const status of refusals) {
        expect(responses[status]?.content).toEqual({
          "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
        });
        for (const [, code] of (responses[status]?.description ?? "").matchAll(/`([a-z-]+)`/g))
          expect(errorCatalogue[code as keyof typeof errorCatalogue].status).toBe(Number(status));
      }
    }
    expect(document.paths["/v1/runs"]?.post?.responses).toMatchObject({
      201: {},
      200: {},
      404: {},
      409: {},
      422: {},
    });
  });

  it("has no reference that leads nowhere, and nothing that 3.1 has not", () => {
    let references = 0;
    for (const [at, part] of parts(document)) {
      expect(at).not.toMatch(/\/nullable$/);
      if (typeof part.$ref !== "string") continue;
      references++;
      const target = part.$ref
        .slice(2)
        .split("/")
        .reduce<unknown>((from, key) => (from as Record<string, unknown>)?.[key], document);
      expect(target, `${at} -> ${part.$ref}`).toBeDefined();
    }
    expect(references).toBeGreaterThan(20);
    for (const [at, part] of parts(document.components.schemas))
      expect(part, at).not.toHaveProperty("nullable");
  });

  it("is shown as pages without a script or anything from elsewhere", async () => {
    const api = apiOver(await openMemory());
    for (const path of ["/docs", "/docs/errors"]) {
      const answer = await api.get(path);
      const policy = answer.headers.get("content-security-policy") as string;
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toContain("unsafe");
      const html = await answer.text();
      expect(html).not.toMatch(/<script|https?:\/\/|style="|\son\w+=/i);
      for (const { path: shown } of path === "/docs" ? operations : [])
        expect(html).toContain(`<code>${shown}</code>`);
    }
    const errors = await (await api.get("/docs/errors")).text();
    for (const code of Object.keys(errorCatalogue)) expect(errors).toContain(`id="${code}"`);
  });
});

describe("the published schema of a submission", () => {
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const word = fc.constantFrom("chain", "a b", "", "x".repeat(129), "a.b-c_d");
  const anything = fc.oneof(
    word,
    fc.integer({ min: -2, max: 12 }),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
  );
  const key = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("k", "x".repeat(512), "ä %") },
    { weight: 1, arbitrary: fc.constantFrom("x".repeat(513), "\ud800", "\0", "", 1) },
  );
  const some = fc.constantFrom("1s", 5, "1w", -1, undefined);
  const mode = fc.constantFrom("reject", "replace-waiting", "return-existing", "often", undefined);
  const more = fc.constantFrom(undefined, undefined, undefined, 1);
  // One at a time, since that only one may be given no schema says; and without what excludes it.
  const keyed = {
    singleton: maybe(fc.oneof(fc.record({ key: maybe(key), mode, more }), fc.boolean(), anything)),
  };
  const otherwise = fc.oneof(
    fc.record({
      idempotencyKey: fc.oneof(fc.record({ key: maybe(key), ttl: some, mode, more }), key, anything),
    }),
    fc.record({ debounce: fc.oneof(fc.record({ key: maybe(key), wait: some, more }), anything) }),
    fc.record({ throttle: fc.oneof(fc.record({ key: maybe(key), per: some, more }), anything) }),
  );
  const body = fc.record({
    id: maybe(
      fc.oneof(fc.constantFrom("01ARZ3NDEKTSV4RRFFQ69G5FAV", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "x"), anything),
    ),
    dag: maybe(anything),
    task: maybe(word),
    priority: maybe(anything),
    delay: maybe(
      fc.oneof(fc.constantFrom("1s", "1.5m", "10ms", "1w", " 1s"), fc.integer({ min: 0, max: 1e6 })),
    ),
    tags: maybe(fc.oneof(fc.array(fc.oneof(word, anything), { maxLength: 34 }), anything)),
    keep: maybe(fc.constantFrom("7d", 0, "0s", true)),
    durability: maybe(fc.oneof(fc.constantFrom("local", "replica"), anything)),
    ...keyed,
    more: maybe(anything),
  });

  it("takes what the check by hand takes", () => {
    fc.assert(
      fc.property(body, (drawn) => {
        const given = JSON.parse(JSON.stringify(drawn)) as Record<string, unknown>;
        const oneName = (given.dag === undefined) !== (given.task === undefined);
        expect(takes(given)).toBe(oneName && runRequest.safeParse(given).success);
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes the keys that the check by hand takes", () => {
    fc.assert(
      fc.property(otherwise, (drawn) => {
        const given = { task: "double", ...(JSON.parse(JSON.stringify(drawn)) as object) };
        expect(takes(given)).toBe(runRequest.safeParse(given).success);
      }),
      { numRuns: 1_000 },
    );
  });

  function takes(given: object): boolean {
    try {
      readRunRequest(given as never, "the body", undefined);
      return true;
    } catch (error) {
      if (error instanceof RequestRefused) return false;
      throw error;
    }
  }
});

describe("the sources", () => {
  it("make answers in two places only, so that none lacks a header", () => {
    const root = new URL("../src/", import.meta.url);
    const files = (readdirSync(root, { recursive: true }) as string[]).filter((file) => file.endsWith(".ts"));
    const makers = files.filter((file) => /new Response\(/.test(readFileSync(new URL(file, root), "utf8")));
    expect(makers.sort()).toEqual(["answers.ts", "problem.ts"]);
  });
});
