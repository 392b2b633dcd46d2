import { expect, it } from "vitest";
import { moduleOf } from "./doc-examples.mjs";

it("keeps every line of every TypeScript block where it stands in the page", () => {
  const page = [
    "# Title",
    "```ts",
    "const a = 1;",
    "```",
    "text",
    "```sh",
    "ls",
    "```",
    "```ts",
    "a + 1;",
    "```",
  ].join("\n");
  const lines = moduleOf(page).split("\n");
  expect(lines[2]).toBe("const a = 1;");
  expect(lines[9]).toBe("a + 1;");
  expect(lines.slice(0, 11).filter((line) => line !== "")).toEqual(["const a = 1;", "a + 1;"]);
});

it("leaves pages without TypeScript alone", () => {
  expect(moduleOf("# Title\n```sh\nls\n```\n")).toBeUndefined();
});
