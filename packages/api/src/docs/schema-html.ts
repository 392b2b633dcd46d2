import { escaped, rich } from "./html.js";

/** As much of a JSON Schema as the document's own schemas use. */
export interface SchemaObject {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: SchemaObject;
  readonly anyOf?: readonly SchemaObject[];
  readonly allOf?: readonly SchemaObject[];
  readonly properties?: Readonly<Record<string, SchemaObject>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | SchemaObject;
  readonly description?: string;
  readonly example?: unknown;
}

/** A schema in full: what it is, and a row for each of its properties. */
export function schemaHtml(schema: SchemaObject): string {
  const { properties, description, example } = schema;
  const about = description === undefined ? "" : `<p>${rich(description)}</p>`;
  if (!properties || Object.keys(properties).length === 0) {
    const such = example === undefined ? "" : `, as in <code>${escaped(JSON.stringify(example))}</code>`;
    return `${about}<p>${typeHtml(schema)}${such}</p>`;
  }
  return `${about}${rowsHtml(schema)}`;
}

/** What a value is, in a line: a name, a type, or the words that it may be. */
export function typeHtml(schema: SchemaObject | undefined): string {
  if (!schema) return "";
  const { $ref, type, format, items, anyOf, allOf, properties, additionalProperties } = schema;
  if ($ref !== undefined) {
    const name = escaped($ref.slice($ref.lastIndexOf("/") + 1));
    return `<a href="#schema-${name}"><code>${name}</code></a>`;
  }
  if (schema.enum)
    return schema.enum.map((each) => `<code>${escaped(JSON.stringify(each))}</code>`).join(" | ");
  if (schema.const !== undefined) return `<code>${escaped(JSON.stringify(schema.const))}</code>`;
  if (anyOf) return anyOf.map(typeHtml).join(" | ");
  if (allOf) return allOf.map(typeHtml).filter(Boolean).join(" & ");
  if (items) return `list of ${typeHtml(items)}`;
  if (properties && Object.keys(properties).length > 0) return rowsHtml(schema);
  if (typeof additionalProperties === "object" && Object.keys(additionalProperties).length > 0)
    return `object of ${typeHtml(additionalProperties)}`;
  const text = [type, format].flat().filter(Boolean).join(", ");
  return text === "" ? "" : `<code>${escaped(text)}</code>`;
}

function rowsHtml({ properties = {}, required = [] }: SchemaObject): string {
  const rows = Object.entries(properties).map(([name, schema]) => {
    const about =
      schema.description ?? schema.allOf?.find(({ description }) => description)?.description ?? "";
    const must = required.includes(name) ? "" : "?";
    return `<tr><td><code>${escaped(name)}${must}</code></td><td>${typeHtml(schema)}</td><td>${rich(about)}</td></tr>`;
  });
  return `<table>${rows.join("")}</table>`;
}
