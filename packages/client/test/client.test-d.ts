import { dag, task } from "@jobbers/core";
import type { Run } from "@jobbers/runs";
import { z } from "zod";
import { type ClientRun, createClient, type SubmittedItem } from "../src/index.js";

/** Exact equality of types, `any` told from `unknown`. */
type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
function is<A, B>(..._proof: Equal<A, B> extends true ? [] : ["not equal", A, B]): void {}

const read = task({
  name: "read",
  input: z.object({ url: z.string() }),
  run: async ({ url }) => ({ url, bytes: 3 }),
});
const ping = task({ name: "ping", run: async () => "pong" as const });
const crawl = dag("crawl", { input: z.object({ sitemap: z.string(), depth: z.number().default(1) }) }, (i) =>
  read({ url: i.sitemap }),
);

interface Page {
  readonly url: string;
  readonly bytes: number;
}

// ------------------------------------------------------------------------------------ a client that names its workflows

const client = createClient<{ crawl: typeof crawl; read: typeof read; ping: typeof ping }>();

export async function named() {
  const run = await client.submit("crawl", { sitemap: "https://example.org" }, { priority: 7 });
  is<typeof run, ClientRun<{ url: string; bytes: number }>>();
  const output: Page = await run.result();
  const answer = await (await client.submit("ping")).result();
  is<typeof answer, "pong">();

  // @ts-expect-error a property that must be there is missing
  await client.submit("crawl", {});
  // @ts-expect-error an input that must be there is missing
  await client.submit("crawl");
  // @ts-expect-error of the wrong type
  await client.submit("crawl", { sitemap: 1 });
  // @ts-expect-error no such workflow
  await client.submit("crwal", { sitemap: "" });
  // @ts-expect-error no such option
  await client.submit("ping", {}, { prioirty: 1 });

  const many = await client.submitMany("read", [{ input: { url: "" } }, { input: { url: "" }, tags: ["a"] }]);
  is<typeof many, SubmittedItem<{ url: string; bytes: number }>[]>();
  // @ts-expect-error of the wrong type
  await client.submitMany("read", [{ input: { url: 1 } }]);

  const again = client.run("01ARZ3NDEKTSV4RRFFQ69G5FAV", "read");
  is<typeof again, ClientRun<{ url: string; bytes: number }>>();
  return output;
}

// ------------------------------------------------------------------------------------------------ definitions themselves

export async function defined() {
  const run = await client.submit(crawl, { sitemap: "https://example.org", depth: 2 });
  is<typeof run, ClientRun<{ url: string; bytes: number }>>();
  // @ts-expect-error of the wrong type
  await client.submit(crawl, { sitemap: 1 });
  const typed = client.run("01ARZ3NDEKTSV4RRFFQ69G5FAV", crawl);
  is<typeof typed, ClientRun<{ url: string; bytes: number }>>();
  const untyped = client.run("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  is<typeof untyped, ClientRun<unknown>>();
}

// --------------------------------------------------------------------------------------------- a client that names nothing

export async function anything() {
  const open = createClient({ url: "http://127.0.0.1:8700" });
  const run = await open.submit("whatever", { any: ["input"] }, { tags: ["t"] });
  is<typeof run, ClientRun<unknown>>();
  await open.submit("whatever");
}

// ---------------------------------------------------------------------------------- the same face as the library's own runs

export function sameFace(run: ClientRun<string>): Run<string> {
  return run;
}
