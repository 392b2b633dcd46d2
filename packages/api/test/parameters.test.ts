import { expect, it } from "vitest";
import { apiOver, problemIn } from "./bench.js";
import { openMemory } from "./each-store.js";
import { type Document, endpointsOf } from "./fuzz/document.js";

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const long = "x".repeat(3_000);

it("a parameter that is wrong is refused in words for people, whichever it is", async () => {
  const api = apiOver(await openMemory());
  const document = (await (await api.get("/openapi.json")).json()) as Document;
  const told = new Set<string>();
  for (const { method, path, operation } of endpointsOf(document)) {
    if (method !== "GET") continue;
    const good = path.replace("{id}", ID).replace(/\{\w+\}/, "a");
    const queries = (operation.parameters ?? []).filter((each) => each.in === "query");
    const paths = [
      ...(path.includes("{")
        ? ["a b\0", "__proto__"].map((name) =>
            path.replace("{id}", "abc").replace(/\{\w+\}/g, encodeURIComponent(name)),
          )
        : []),
      ...(queries.length > 0 ? [`${good}?nonsense=1`] : []),
      ...queries.flatMap(({ name }) => ["", "%00", "a,b", long].map((value) => `${good}?${name}=${value}`)),
    ];
    for (const wrong of paths) {
      const answer = await api.get(wrong);
      if (answer.status !== 400) {
        await answer.body?.cancel();
        continue;
      }
      const { errors = [], detail } = await problemIn(answer);
      for (const text of [detail, ...errors.map((each) => each.detail)]) {
        expect(text, wrong).not.toMatch(/invalid |pattern|expected|too (small|big)|option|undefined|\^/i);
        told.add(text);
      }
    }
  }
  expect(told).toContain("is wrong: it takes a ULID, 26 upper-case characters");
  expect(told).toContain("is wrong: __proto__ is reserved by JavaScript");
  expect(told).toContain("is wrong: it is empty");
  expect(told).toContain("is wrong: no tag has U+0000 in it");
  expect(told.size).toBeGreaterThan(15);
});
