import { readFileSync } from "node:fs";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { expect, onTestFinished, test } from "vitest";
import { createApi } from "../src/index.js";
import { type Document, endpointsOf, type Operation } from "./fuzz/document.js";

const page = readFileSync(new URL("../../../docs/reference/http.md", import.meta.url), "utf8");

/** Said once for all routes, below the table. */
const usual = new Set(["400", "401", "403", "408", "413", "415", "421", "500", "503"]);

function rowOf(method: string, path: string, { summary, parameters, responses }: Operation): string {
  const takes = (parameters ?? []).filter((each) => each.in !== "path").map(({ name }) => `\`${name}\``);
  const answers = Object.keys(responses).filter((status) => !usual.has(status));
  return `| \`${method} ${path}\` | ${summary} | ${takes.join(", ") || "–"} | ${answers.join(", ")} |`;
}

test("the page of routes lists what the server's own document does", async () => {
  const store = await openSqliteStore("memory:");
  const api = createApi({ store });
  onTestFinished(async () => {
    await api.close();
    await store.close();
  });
  const document = (await (await api.request("http://localhost/openapi.json")).json()) as Document;
  const rows = endpointsOf(document).map(({ method, path, operation }) => rowOf(method, path, operation));
  expect(page.split("\n").filter((line) => /^\| `(GET|POST|PUT|DELETE|PATCH) /.test(line))).toEqual(rows);
});
