import fc from "fast-check";
import type { Document, JsonSchema } from "./document.js";

type Values = fc.Arbitrary<unknown>;

/** How deeply schemas are followed; what lies deeper may be anything. */
const MAX_DEPTH = 6;

/** Values that fit a schema, mostly; the rest is what people and programs send by mistake or on purpose. */
export function valuesOf(schema: JsonSchema | undefined, document: Document): Values {
  return fc.oneof(
    { weight: 8, arbitrary: fitting(schema ?? {}, document, 0) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
    { weight: 1, arbitrary: odd },
  );
}

/** Values at which programs stumble. */
const odd = fc.constantFrom<unknown[]>(
  "",
  " ",
  "\u0000",
  "../../etc/passwd",
  "%00",
  "🤼",
  "x".repeat(5_000),
  "__proto__",
  "constructor",
  "'; DROP TABLE runs; --",
  "*",
  "{ns:p}",
  -1,
  0,
  1e308,
  2 ** 53,
  0.1,
  true,
  null,
  [],
  {},
  [[[[]]]],
);

function fitting(given: JsonSchema, document: Document, depth: number): Values {
  const schema = resolve(given, document);
  if (depth > MAX_DEPTH) return fc.jsonValue({ maxDepth: 1 });
  const deeper = (each: unknown) => fitting((each ?? {}) as JsonSchema, document, depth + 1);
  if ("const" in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  for (const key of ["oneOf", "anyOf"])
    if (Array.isArray(schema[key])) return fc.oneof(...(schema[key] as unknown[]).map(deeper));
  if (Array.isArray(schema.allOf)) {
    const { allOf, ...rest } = schema;
    const parts = (allOf as JsonSchema[]).map((each) => resolve(each, document));
    return fitting(Object.assign({}, rest, ...parts), document, depth + 1);
  }
  const types = [schema.type ?? anyType(schema)].flat();
  return fc.oneof(...types.map((type) => ofType(String(type), schema, deeper)));
}

function ofType(type: string, schema: JsonSchema, deeper: (each: unknown) => Values): Values {
  switch (type) {
    case "string":
      return texts(schema);
    case "integer":
      return fc.integer({ min: numberOr(schema.minimum, -10), max: numberOr(schema.maximum, 1_000) });
    case "number":
      return fc.double({
        min: numberOr(schema.minimum, -10),
        max: numberOr(schema.maximum, 1e6),
        noNaN: true,
      });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return fc.array(deeper(schema.items), { maxLength: 4 });
    case "object": {
      const properties = Object.entries((schema.properties ?? {}) as Record<string, unknown>);
      const parts = Object.fromEntries(properties.map(([name, each]) => [name, deeper(each)]));
      return fc.record(parts, { requiredKeys: (schema.required ?? []) as string[] });
    }
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function texts({ pattern, format, minLength, maxLength }: JsonSchema): fc.Arbitrary<string> {
  if (format === "date-time") return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  if (typeof pattern === "string") return fc.stringMatching(new RegExp(pattern));
  return fc.string({ minLength: numberOr(minLength, 0), maxLength: Math.min(numberOr(maxLength, 30), 30) });
}

function anyType({ properties, items }: JsonSchema): string {
  return properties ? "object" : items ? "array" : "anything";
}

function resolve(schema: JsonSchema, document: Document): JsonSchema {
  if (typeof schema.$ref !== "string") return schema;
  const name = schema.$ref.replace("#/components/schemas/", "");
  const found = document.components?.schemas?.[name];
  if (!found) throw new Error(`the document refers to ${schema.$ref}, which is not in it`);
  return found;
}

const numberOr = (value: unknown, otherwise: number) => (typeof value === "number" ? value : otherwise);
