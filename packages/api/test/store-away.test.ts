import { JobbersError, type Store } from "@jobbers/core";
import { expect, it } from "vitest";
import type { BulkAnswer } from "../src/index.js";
import { apiOver, newId, problemIn, register } from "./bench.js";
import { openMemory } from "./each-store.js";

/** A store whose calls behave as they are told, but for those that are named. */
function behaving(store: Store, how: () => Promise<never>, but: readonly string[] = []): Store {
  return new Proxy(store, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === "function" && !but.includes(String(key)) ? how : member;
    },
  });
}

const never = () => new Promise<never>(() => {});
const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const gets = [
  ...["/readyz", "/v1/runs", "/v1/dags", "/v1/dags/chain", "/v1/queues", "/v1/workers"],
  ...["", "/steps", "/steps/first", "/result", "/result?wait=60s", "/events"].map(
    (path) => `/v1/runs/${id}${path}`,
  ),
];

it("a store that never answers is a 503 in time, with Retry-After", async () => {
  const api = apiOver(behaving(await openMemory(), never), { limits: { storeMs: 30 } });
  const posts = [`/v1/runs/${id}/cancel`, `/v1/runs/${id}/retry`].map((path) => api.post(path));
  const submit = api.post("/v1/runs", { id, task: "double", input: { n: 1 } });
  for (const answer of await Promise.all([submit, ...posts, ...gets.map((path) => api.get(path))])) {
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await problemIn(answer)).toMatchObject({ status: 503, code: "store-busy" });
  }
  expect((await api.get("/healthz")).status).toBe(200);
});

it("a submit whose store falls silent is told with its id, and so are those behind it", async () => {
  const store = await openMemory();
  await register(store);
  const api = apiOver(behaving(store, never, ["findRegistration", "listRegistrations"]), {
    limits: { storeMs: 40 },
  });
  const bodies = Array.from({ length: 20 }, () => ({ id: newId(), task: "double", input: { n: 1 } }));
  const began = performance.now();
  const answers = await Promise.all(bodies.map((body) => api.post("/v1/runs", body)));
  expect(performance.now() - began).toBeLessThan(2_000);
  for (const [i, answer] of answers.entries()) {
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await problemIn(answer)).toMatchObject({ status: 503, code: "store-busy", id: bodies[i]?.id });
  }
  const lines = bodies.map((body) => JSON.stringify(body)).join("\n");
  const bulk = await api.post("/v1/runs/bulk", lines, { "content-type": "application/x-ndjson" });
  const told = (await bulk.text())
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as BulkAnswer);
  expect(told.map(({ id, status }) => [id, status])).toEqual(bodies.map(({ id }) => [id, "refused"]));
});

it.each(["store-busy", "store-unwritable", "store-closed", "store-refused"] as const)(
  "%s is a 503 with Retry-After",
  async (code) => {
    const fails = () => Promise.reject(new JobbersError(code, "no"));
    const api = apiOver(behaving(await openMemory(), fails));
    for (const path of gets) {
      const answer = await api.get(path);
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await problemIn(answer)).toMatchObject({ status: 503, code });
    }
  },
);

it("a bulk body asks a store that never answers once for each name, not for each line", async () => {
  const asked: unknown[] = [];
  const silent = new Proxy(await openMemory(), {
    get: (target, key) =>
      key === "findRegistration"
        ? (name: string) => {
            asked.push(name);
            return never();
          }
        : Reflect.get(target, key, target),
  });
  const api = apiOver(silent, { limits: { storeMs: 30 } });
  const lines = ["double", "chain", "double", "chain", "double"].map((task) =>
    JSON.stringify({ id: newId(), task, input: { n: 1 } }),
  );
  const headers = { "content-type": "application/x-ndjson" };
  const answer = await api.post("/v1/runs/bulk", lines.join("\n"), headers);
  const told = (await answer.text()).split("\n").slice(0, -1);
  expect(told.map((line) => (JSON.parse(line) as BulkAnswer).status)).toEqual(lines.map(() => "refused"));
  expect(asked).toEqual(["double", "chain"]);
});
