import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { jsonSchemaText } from "../src/index.js";

const offering = (jsonSchema: unknown) =>
  ({
    "~standard": { version: 1, vendor: "test", validate: () => ({ value: 1 }), jsonSchema },
  }) as StandardSchemaV1;

const read = (text: string | undefined): unknown => JSON.parse(text ?? "null");

describe("jsonSchemaText", () => {
  it("says what a schema takes and what it answers, as draft 2020-12", () => {
    const schema = z.object({ n: z.number().default(3) });
    const common = { $schema: "https://json-schema.org/draft/2020-12/schema", type: "object" };
    expect(read(jsonSchemaText(schema, "input"))).toMatchObject(common);
    expect(read(jsonSchemaText(schema, "input"))).not.toHaveProperty("required");
    expect(read(jsonSchemaText(schema, "output"))).toMatchObject({ ...common, required: ["n"] });
  });

  it("asks for one draft, and for one side", () => {
    const asked: unknown[] = [];
    const note = (side: string) => (options: unknown) => {
      asked.push([side, options]);
      return { side };
    };
    const schema = offering({ input: note("input"), output: note("output") });
    expect(jsonSchemaText(schema, "output")).toBe('{"side":"output"}');
    expect(asked).toEqual([["output", { target: "draft-2020-12" }]]);
  });

  it("has nothing to say where the schema offers none, or throws", () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const throws = () => {
      throw new Error("a Date has no JSON Schema");
    };
    expect(jsonSchemaText(undefined, "input")).toBeUndefined();
    expect(jsonSchemaText(offering(undefined), "input")).toBeUndefined();
    for (const input of [throws, () => "text", () => null, () => cycle, undefined]) {
      expect(jsonSchemaText(offering({ input }), "input")).toBeUndefined();
    }
    expect(jsonSchemaText(z.object({ at: z.date() }), "input")).toBeUndefined();
  });

  it("leaves out what is larger than 64 KiB", () => {
    const ofBytes = (bytes: number) => offering({ input: () => ({ a: "é".repeat((bytes - 8) / 2) }) });
    expect(Buffer.byteLength(jsonSchemaText(ofBytes(65_536), "input") as string)).toBe(65_536);
    expect(jsonSchemaText(ofBytes(65_538), "input")).toBeUndefined();
  });
});
