import { errorCatalogue } from "@jobbers/core";
import type { OpenApiDocument } from "./openapi.js";

type Json = Readonly<Record<string, unknown>>;

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
    schema?: Json;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { schema: Json }>> };
  readonly responses: Readonly<
    Record<string, { description: string; content?: Readonly<Record<string, { schema?: Json }>> }>
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
      `<details class="schema" id="schema-${escaped(name)}"><summary><code>${escaped(name)}</code></summary>${schemaHtml(schema as Json)}</details>`,
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
      `<tr><td><code>${escaped(each.name)}</code></td><td>${each.in}${each.required ? ", required" : ""}</td><td>${rich(each.description ?? "")} ${schemaHtml(each.schema)}</td></tr>`,
  );
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([type, { schema }]) => `<h4>Body <code>${escaped(type)}</code></h4>${schemaHtml(schema)}`,
  );
  const answers = Object.entries(responses).map(([status, { description: what, content = {} }]) => {
    const types = Object.entries(content).map(
      ([type, { schema }]) => `<div><code>${escaped(type)}</code> ${schemaHtml(schema)}</div>`,
    );
    return `<tr><td><code>${status}</code></td><td>${rich(what)}${types.join("")}</td></tr>`;
  });
  return `<details class="route"><summary><span class="method ${method.toLowerCase()}">${method}</span> <code>${escaped(path)}</code> <span class="about">${escaped(summary)}</span></summary>
${description ? `<p>${rich(description)}</p>` : ""}${rows.length > 0 ? `<h4>Parameters</h4><table>${rows.join("")}</table>` : ""}${bodies.join("")}
<h4>Answers</h4><table>${answers.join("")}</table></details>`;
}

/** A schema: by name where it has one, else as it is. */
function schemaHtml(schema: Json | undefined): string {
  if (!schema) return "";
  const { $ref } = schema as { $ref?: string };
  if ($ref !== undefined) {
    const name = $ref.slice($ref.lastIndexOf("/") + 1);
    return `<a href="#schema-${escaped(name)}"><code>${escaped(name)}</code></a>`;
  }
  const text = JSON.stringify(schema, null, 2);
  return text.length < 60 ? `<code>${escaped(JSON.stringify(schema))}</code>` : `<pre>${escaped(text)}</pre>`;
}

/** Text with `code` in it. */
function rich(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, "<code>$1</code>");
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** Light and dark, as the reader's system has it. */
export const docsStyle = `:root { color-scheme: light dark; --line: light-dark(#d6d9de, #3a3f47); --soft: light-dark(#f4f5f7, #1f2329); --accent: light-dark(#0b5cad, #7db8f0); }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: light-dark(#fff, #15181c); color: light-dark(#1b1f24, #e3e6ea); }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem 6rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; text-transform: capitalize; } h3 { margin: 1.5rem 0 0; } h4 { margin: 1rem 0 .3rem; }
a { color: var(--accent); }
code, pre { font: .88em/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .6rem .8rem; background: var(--soft); border-radius: .4rem; }
details.route, details.schema { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; padding: .5rem .8rem; }
details > summary { cursor: pointer; } .about { color: light-dark(#59616b, #9aa3ad); }
.method { display: inline-block; min-width: 3.5em; padding: 0 .4em; border-radius: .3rem; text-align: center; font: 700 .75em/1.9 ui-monospace, monospace; background: var(--soft); color: var(--accent); }
.method.post { background: var(--accent); color: light-dark(#fff, #10141a); }
.status { font-weight: 400; color: light-dark(#59616b, #9aa3ad); }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line); padding: .35rem .8rem .35rem 0; vertical-align: top; }
:target { outline: 2px solid var(--accent); outline-offset: 4px; }
`;
