import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { modulesOf } from "./doc-examples.mjs";

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
  const lines = modulesOf(page).get("index.ts").split("\n");
  expect(lines[2]).toBe("const a = 1;");
  expect(lines[9]).toBe("a + 1;");
  expect(lines.slice(0, 11).filter((line) => line !== "")).toEqual(["const a = 1;", "a + 1;"]);
});

it("leaves pages without TypeScript alone", () => {
  expect(modulesOf("# Title\n```sh\nls\n```\n").size).toBe(0);
});

it("begins a file where a block names one, and goes on with it", () => {
  const block = (...lines) => ["```ts", ...lines, "```", "text"].join("\n");
  const page = [block("// a.ts", "const a = 1;"), block("a + 1;"), block("// b.ts", "const b = 1;")].join(
    "\n",
  );
  const modules = modulesOf(page);
  expect([...modules.keys()]).toEqual(["a.ts", "b.ts"]);
  expect(modules.get("a.ts").split("\n").filter(Boolean)).toEqual([
    "// a.ts",
    "const a = 1;",
    "a + 1;",
    "export {};",
  ]);
  expect(modules.get("b.ts").split("\n")[11]).toBe("const b = 1;");
});

it("README connects in another file than it defines in, so that the definitions can be drawn", () => {
  const modules = modulesOf(readFileSync(new URL("../README.md", import.meta.url), "utf8"));
  expect([...modules.keys()]).toEqual(["crawl.ts", "main.ts"]);
  expect(modules.get("crawl.ts")).not.toContain("connect");
});
