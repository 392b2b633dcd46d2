import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";

/** The most that a JSON Schema may take as text, in UTF-8 bytes. */
const MAX_BYTES = 64 * 1024;

/**
 * The JSON Schema (draft 2020-12) of what a Standard Schema takes or answers, as JSON text.
 *
 * Not every library offers it, and none can for every schema: then, and beyond 64 KiB, the answer is `undefined`.
 *
 * @param side `input` is what the schema takes, `output` what it answers
 * @example
 * jsonSchemaText(z.object({ url: z.string() }), "input"); // '{"$schema":"https://json-schema.org/draft/2020-12/schema",…'
 */
export function jsonSchemaText(
  schema: StandardSchemaV1 | undefined,
  side: "input" | "output",
): string | undefined {
  if (schema === undefined) return undefined;
  try {
    const { jsonSchema } = schema["~standard"] as Partial<StandardJSONSchemaV1.Props>;
    const described: unknown = jsonSchema?.[side]({ target: "draft-2020-12" });
    if (typeof described !== "object" || described === null) return undefined;
    const text = JSON.stringify(described);
    return Buffer.byteLength(text) <= MAX_BYTES ? text : undefined;
  } catch {
    // A transform or a Date, say, has no JSON Schema; the workflow is none the worse for it.
    return undefined;
  }
}
