import { type OpenAPIHono, z } from "@hono/zod-openapi";

/** The OpenAPI 3.1 document of the routes that are mounted. */
export function openApiDocument(app: OpenAPIHono) {
  app.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description: "A token `jb_<id>_<secret>`, where the server asks for one.",
  });
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Jobbers",
      version: "1",
      description:
        "Runs of dags and tasks: submit them, follow them, steer them. Every refusal is a problem (RFC 9457) with a stable `code`.",
      license: { name: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{}, { token: [] }],
    tags: [
      { name: "runs", description: "Submitting, reading and steering runs." },
      {
        name: "dead letters",
        description: "Steps that failed for good: reading, redriving and forgetting them.",
      },
      { name: "events", description: "Following what happens." },
      { name: "dags", description: "What can be submitted." },
      { name: "fleet", description: "Queues and workers." },
      { name: "health", description: "For probes." },
      { name: "docs", description: "This document." },
    ],
  });
}

/** What the document is, for those who read it. */
export type OpenApiDocument = ReturnType<typeof openApiDocument>;

/** A document is not described any further than that. */
export const anyDocument = z.looseObject({}).openapi("OpenApiDocument");
