import { dag, task } from "@jobbers/core";
import { createSubmitter } from "@jobbers/runs";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { createWorker } from "@jobbers/worker";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { createApi } from "../src/index.js";
import { breachOf } from "./fuzz/answers.js";
import { type Document, endpointsOf } from "./fuzz/document.js";
import { type RandomRequest, requestsTo } from "./fuzz/requests.js";

const echo = task({ name: "echo", input: z.object({ n: z.number() }), run: async ({ n }) => n });
const fails = task({
  name: "fails",
  retry: { attempts: 1 },
  run: async () => {
    throw new Error("always");
  },
});
const both = dag("both", { input: z.object({ list: z.array(z.number()) }) }, ({ list }) =>
  list.map((n) => echo({ n })),
);

const store = await openSqliteStore("memory:");
const api = createApi({ store });
const worker = createWorker({
  store,
  workflows: [echo, fails, both],
  log: { debug() {}, info() {}, warn() {}, error() {} },
});
/** How many requests were answered with each status. */
const counts: Record<number, number> = {};

afterAll(async () => {
  console.log(`answers by status: ${JSON.stringify(counts)}`);
  await api.close();
  await worker.stop({ giveBack: true });
  await store.close();
});

const document = (await (await api.request("http://localhost/openapi.json")).json()) as Document;
const ids: string[] = [];

beforeAll(async () => {
  await worker.start();
  const submitter = createSubmitter(store);
  for (const [workflow, input] of [
    [echo, { n: 1 }],
    [fails, {}],
    [both, { list: [1, 2, 3] }],
  ] as const) {
    for (const delay of ["0ms", "1h"] as const)
      for (const { id } of await submitter.submit(workflow, [{ input, delay }])) ids.push(id);
  }
});

/** How many requests each operation gets. */
const RUNS = 150;

describe("random requests made from the document", () => {
  test.each(endpointsOf(document).map((each) => [`${each.method} ${each.path}`, each] as const))(
    "are answered as it says: %s",
    async (_, endpoint) => {
      const known = { ids, names: ["echo", "fails", "both"] };
      await fc.assert(
        fc.asyncProperty(requestsTo(endpoint, document, known), async (request) => {
          const answer = await send(request);
          counts[answer.status] = (counts[answer.status] ?? 0) + 1;
          const breach = await breachOf(answer, endpoint.operation, document);
          expect(breach, `${request.method} ${request.url}\n${request.body}`).toBeUndefined();
        }),
        { numRuns: RUNS },
      );
    },
    60_000,
  );
});

async function send({ url, body, ...request }: RandomRequest): Promise<Response> {
  return api.request(url, { ...request, ...(body !== undefined && { body }) });
}
