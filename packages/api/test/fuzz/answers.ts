import { Validator } from "@cfworker/json-schema";
import type { Document, JsonSchema, Operation } from "./document.js";

/** What one answer breaks of what the document says; undefined where it keeps to it. */
export async function breachOf(
  { status, headers, body }: Response,
  operation: Operation,
  document: Document,
): Promise<string | undefined> {
  if (status >= 500) return `answered ${status}: ${await new Response(body).text()}`;
  const documented = operation.responses[String(status)];
  if (!documented) return `answered ${status}, which is not documented: ${await new Response(body).text()}`;
  const type = bare(headers.get("content-type") ?? undefined);
  const media = Object.fromEntries(
    Object.entries(documented.content ?? {}).map(([key, each]) => [bare(key) as string, each]),
  );
  if (type === undefined) return Object.keys(media).length === 0 ? undefined : "answered without a type";
  if (!media[type]) return `answered ${status} as ${type}, which is not documented`;
  if (type === "text/event-stream") {
    await body?.cancel();
    return undefined;
  }
  const text = await new Response(body).text();
  const { schema } = media[type];
  if (!schema || !/json$/.test(type)) return undefined;
  const parts = type.includes("ndjson") ? text.split("\n").filter(Boolean) : [text];
  return parts.map((part) => faultIn(JSON.parse(part), schema, document)).find(Boolean);
}

/** A media type without its parameters. */
const bare = (type: string | undefined) => type?.split(";")[0]?.trim();

function faultIn(value: unknown, schema: JsonSchema, { components }: Document): string | undefined {
  const { valid, errors } = new Validator({ ...schema, components } as object, "2020-12").validate(value);
  if (valid) return undefined;
  const [first] = errors.reverse();
  return `answered what does not fit its schema: ${first?.instanceLocation} ${first?.error}\n${JSON.stringify(value)}`;
}
