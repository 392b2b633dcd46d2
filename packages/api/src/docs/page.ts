import { errorCatalogue } from "@jobbers/core";
import type { OpenApiDocument } from "../openapi.js";
import { escaped, rich } from "./html.js";
import { type SchemaObject, schemaHtml, typeHtml } from "./schema-html.js";

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly {
    name: string;
    in: string;
    required?: boolean;
    description?: string;
    schema?: SchemaObject;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { schema: SchemaObject }>> };
  readonly responses: Readonly<
    Record<string, { description: string; content?: Readonly<Record<string, { schema?: SchemaObject }>> }>
  >;
}

/** The page of the API: made here once, so that it needs neither a script nor anything from elsewhere. */
export function docsPage(document: OpenApiDocument): string {
  const operations = operationsOf(document);
  const groups = (document.tags ?? []).map(({ name, description }) => {
    const these = operations.filter(({ tags }) => tags.includes(name));
    return these.length === 0
      ? ""
      : `<section><h2 id="${escaped(name)}">${escaped(name)}</h2><p>${rich(description ?? "")}</p>${these.map(operationHtml).join("")}</section>`;
  });
  const schemas = Object.entries(document.components?.schemas ?? {}).map(
    ([name, schema]) =>
      `<section class="schema" id="schema-${escaped(name)}"><h3><code>${escaped(name)}</code></h3>${schemaHtml(schema as SchemaObject)}</section>`,
  );
  const body = `<p>${rich(document.info.description ?? "")} The whole is at <a href="/openapi.json">/openapi.json</a>; errors are at <a href="/docs/errors">/docs/errors</a>.</p>
${groups.join("\n")}<section><h2 id="schemas">schemas</h2>${schemas.join("\n")}</section>`;
  return page("Jobbers: HTTP API", body);
}

/** The page of the codes that problems have. */
export function errorsPage(): string {
  const rows = Object.entries(errorCatalogue).map(
    ([code, { title, remedy, status }]) =>
      `<section class="error" id="${code}"><h3><code>${code}</code> <span class="status">${status}</span></h3><p>${escaped(title)}. ${escaped(remedy)}</p></section>`,
  );
  return page("Jobbers: errors", `<p>Back to the <a href="/docs">API</a>.</p>${rows.join("\n")}`);
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title><link rel="stylesheet" href="/docs/style.css"></head>
<body><main><h1>${escaped(title)}</h1>
${body}
</main></body></html>
`;
}

function operationsOf(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Omit<Operation, "method" | "path">>).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );
}

function operationHtml(operation: Operation): string {
  const { method, path, summary, description, parameters = [], requestBody, responses } = operation;
  const rows = parameters.map(
    (each) =>
      `<tr><td><code>${escaped(each.name)}</code></td><td>${each.in}${each.required ? ", required" : ""}</td><td>${typeHtml(each.schema)} ${rich(each.description ?? "")}</td></tr>`,
  );
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([type, { schema }]) => `<h4>Body</h4><p><code>${escaped(type)}</code> ${typeHtml(schema)}</p>`,
  );
  const answers = Object.entries(responses).map(([status, { description: what, content = {} }]) => {
    const types = Object.entries(content).map(
      ([type, { schema }]) => `<div><code>${escaped(type)}</code> ${typeHtml(schema)}</div>`,
    );
    return `<tr><td><code>${status}</code></td><td>${rich(what)}${types.join("")}</td></tr>`;
  });
  return `<details class="route"><summary><span class="method ${method.toLowerCase()}">${method}</span> <code>${escaped(path)}</code><span class="about">${escaped(summary)}</span></summary>
${description ? `<p>${rich(description)}</p>` : ""}${rows.length > 0 ? `<h4>Parameters</h4><table>${rows.join("")}</table>` : ""}${bodies.join("")}
<h4>Answers</h4><table>${answers.join("")}</table></details>`;
}
