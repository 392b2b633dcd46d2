import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type JobbersError, parseWith } from "../src/index.js";

function schemaOf(validate: (value: unknown) => unknown): StandardSchemaV1 {
  return {
    "~standard": { version: 1, vendor: "test", validate: validate as StandardSchemaV1.Props["validate"] },
  };
}

async function errorOf(promise: Promise<unknown>): Promise<JobbersError> {
  return promise.then(
    () => expect.fail("nothing was thrown"),
    (error: JobbersError) => error,
  );
}

describe("parseWith", () => {
  it("answers what the schema makes of the value, or the value where there is no schema", async () => {
    expect(await parseWith(z.object({ n: z.coerce.number() }), { n: "3", more: 1 }, "input")).toEqual({
      n: 3,
    });
    const value = {};
    expect(await parseWith(undefined, value, "input")).toBe(value);
    expect(
      await parseWith(
        schemaOf(async (given) => ({ value: [given] })),
        1,
        "input",
      ),
    ).toEqual([1]);
  });

  it("names the path of a single issue on one line", async () => {
    const schema = z.object({ pages: z.array(z.object({ "the url": z.url() })) });
    const error = await errorOf(parseWith(schema, { pages: [{ "the url": "x" }] }, "input of crawl"));
    expect(error).toMatchObject({
      code: "input-invalid",
      message: 'input of crawl.pages[0]["the url"]: Invalid URL',
      detail: { issues: [{ at: 'input of crawl.pages[0]["the url"]', message: "Invalid URL" }] },
    });
  });

  it("lists several issues, at most ten, each cut short", async () => {
    const issues = Array.from({ length: 500 }, (_, i) => ({
      message: "m".repeat(9999),
      path: ["a", { key: i }],
    }));
    const error = await errorOf(
      parseWith(
        schemaOf(() => ({ issues })),
        1,
        "output of fetch",
        "output-invalid",
      ),
    );
    const lines = error.message.split("\n");
    expect(error.code).toBe("output-invalid");
    expect(lines).toHaveLength(12);
    expect(lines[0]).toBe("output of fetch is invalid:");
    expect(lines[1]).toMatch(/^ {2}output of fetch\.a\[0\]: m{200}…$/);
    expect(lines[11]).toBe("  and 490 more");
  });

  it("takes issues without a path, with symbols, and none at all", async () => {
    const issues = [{ message: "bad" }, { message: "worse", path: [Symbol("s")] }];
    const error = await errorOf(
      parseWith(
        schemaOf(() => ({ issues })),
        1,
        "input",
      ),
    );
    expect(error.message).toBe('input is invalid:\n  input: bad\n  input["Symbol(s)"]: worse');
    expect(
      (
        await errorOf(
          parseWith(
            schemaOf(() => ({ issues: [] })),
            1,
            "input",
          ),
        )
      ).message,
    ).toBe("input is invalid");
  });

  it("says so when a schema throws or is none", async () => {
    const cause = new TypeError("oops");
    const thrown = schemaOf(() => {
      throw cause;
    });
    expect(await errorOf(parseWith(thrown, 1, "input"))).toMatchObject({
      code: "input-invalid",
      message: "input: its schema threw TypeError: oops",
      cause,
    });
    expect(
      (
        await errorOf(
          parseWith(
            schemaOf(() => undefined),
            1,
            "input",
          ),
        )
      ).code,
    ).toBe("definition-invalid");
    expect((await errorOf(parseWith({} as StandardSchemaV1, 1, "input"))).code).toBe("input-invalid");
  });
});
