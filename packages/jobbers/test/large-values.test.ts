import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createApi } from "@jobbers/api";
import { openFileBlobs } from "@jobbers/blobs-file";
import { createClient } from "@jobbers/client";
import { type Blobs, JobbersError, readBlobRef, type Store, withBlobs } from "@jobbers/core";
import { createFeed } from "@jobbers/runs";
import { openSqliteStore } from "@jobbers/store-sqlite";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import { connect, dag, type Items, isItems, items, type Jobbers, task } from "../src/index.js";
import { createJobbers } from "../src/jobbers.js";
import { onBothStores } from "./both-stores.js";

const retry = { attempts: 3, delay: 1, backoff: "fixed", jitter: false } as const;
const texts = z.object({ chars: z.number(), count: z.number().default(1) });
const produce = task({ name: "produce", retry, input: texts, run: async ({ chars }) => "x".repeat(chars) });
const measure = task({
  name: "measure",
  retry,
  input: z.object({ text: z.string() }),
  run: async ({ text }) => text.length,
});
const pipe = dag("pipe", { input: texts }, ({ chars }) => measure({ text: produce({ chars }) }));
const echo = task({
  name: "echo",
  retry,
  input: z.object({ text: z.string() }),
  run: async ({ text }) => text.length,
});
const lengths = dag("lengths", { input: z.object({ list: z.array(z.string()) }) }, ({ list }) =>
  list.map((text) => echo({ text })),
);
const spell = task({
  name: "spell",
  input: z.object({ n: z.number(), chars: z.number() }),
  run: async ({ n, chars }) => ({ n, text: "y".repeat(chars) }),
});
const join_ = task({
  name: "join",
  retry,
  input: z.object({ parts: z.custom<Items<{ n: number; text: string }>>(isItems) }),
  async run({ parts }) {
    let [seen, chars] = [0, 0];
    for (let round = 0; round < 2; round++)
      for await (const { n, text } of parts) {
        if (n !== seen++ % parts.length) throw new Error("out of order");
        chars += text.length;
      }
    return { length: parts.length, seen, chars };
  },
});
const range = z.object({ list: z.array(z.number()), chars: z.number() });
const wide = dag("wide", { input: range }, ({ list, chars }) => list.map((n) => spell({ n, chars })));
const joined = dag("joined", { input: range }, ({ list, chars }) =>
  join_({ parts: items(list.map((n) => spell({ n, chars }))) }),
);
const workflows = [pipe, lengths, wide, joined, echo];

let open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.map((each) => each.close()));
  open = [];
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "jobbers-large-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const filesIn = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== ".jobbers-blobs")
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

/** A connection to a store whose values of more than 1,000 bytes lie in `blobs`. */
function over(store: Store, blobs: Blobs | undefined): Jobbers {
  const jobbers = createJobbers({
    store: withBlobs(store, { blobs, fromBytes: 1_000 }),
    feed: createFeed(store),
  });
  open.push(jobbers);
  return jobbers;
}

async function stage(openStore: () => Promise<Store>, trouble: Partial<Blobs> = {}) {
  const path = directory();
  const whole = await openFileBlobs(pathToFileURL(path).href);
  const store = await openStore();
  const jobbers = over(store, { ...whole, ...trouble });
  return { path, store, whole, jobbers };
}

const failureIn = (run: { result(): Promise<unknown> }) =>
  run.result().then(
    () => undefined,
    (error: { step: string; attempts: number; error: { name: string; message: string; code?: string } }) => ({
      step: error.step,
      attempts: error.attempts,
      message: error.error.message,
    }),
  );

describe("large values", () => {
  onBothStores((openStore) => {
    it("leave the store, which keeps a reference, and come back where they are read", async () => {
      const { path, store, jobbers } = await stage(openStore);
      await jobbers.worker({ workflows }).start();
      const run = await jobbers.submit(pipe, { chars: 5_000 });
      expect(await run.result()).toBe(5_000);
      const [file, ...others] = filesIn(path);
      expect(others).toEqual([]);
      expect(file).toMatch(new RegExp(`/${run.id}/produce\\.[0-9a-f]{64}$`));
      expect(readFileSync(file as string, "utf8")).toBe(JSON.stringify("x".repeat(5_000)));
      const { produce: kept } = await store.readValues(run.id, ["produce"]);
      expect(kept).toMatch(/^@blob \{"place":"file:/);
      expect(() => JSON.parse(kept as string)).toThrow();
      expect(await jobbers.store.readValues(run.id, ["produce"])).toEqual({
        produce: JSON.stringify("x".repeat(5_000)),
      });
    });

    it("may be inputs and elements as well as outputs", async () => {
      const { path, store, jobbers } = await stage(openStore);
      await jobbers.worker({ workflows }).start();
      const list = ["a".repeat(3_000), "b", "c".repeat(2_000)];
      const run = await jobbers.submit(lengths, { list });
      expect(await run.result()).toEqual([3_000, 1, 2_000]);
      const names = filesIn(path).map((each) => each.slice(each.lastIndexOf("/") + 1).split(".")[0]);
      expect(names).toEqual(["_input", "echo___0", "echo___2"]);
      const raw = await store.readValues(run.id, [":input", "echo[]:0", "echo[]:1"]);
      expect(raw).toMatchObject({ ":input": expect.stringMatching(/^@blob /), "echo[]:1": '"b"' });
      // What is said to be a reference by a user is a text like any other.
      const text = `@blob {"place":"x"} ${"z".repeat(2_000)}`;
      expect(await (await jobbers.submit(echo, { text })).result()).toBe(text.length);
      expect(await (await jobbers.submit(echo, { text: "@blob {}" })).result()).toBe(8);
    });

    it("end with their run, orphans with them, also when the deletion is interrupted", async () => {
      let broken = true;
      const { path, store, whole, jobbers } = await stage(openStore, {
        async deleteAll(folder) {
          if (broken) throw new JobbersError("blob-unreachable", "away");
          await whole.deleteAll(folder);
        },
      });
      await jobbers.worker({ workflows }).start();
      const run = await jobbers.submit(pipe, { chars: 5_000 });
      const kept = await jobbers.submit(pipe, { chars: 6_000 });
      await Promise.all([run.result(), kept.result()]);
      // What an attempt wrote whose report was never taken.
      await whole.put(`${run.id}/produce.orphan`, Buffer.from("1"));
      const large = jobbers.store.large as NonNullable<Store["large"]>;
      expect(await large.sweep(10)).toBe(false);
      const now = await store.readTime();
      const first = (await store.getRun(run.id))?.endedAtMs as number;
      const ageMs = now - first;
      const rules = { ageMs: 1e12, count: 1 };
      for (let n = 0; n < 20 && ageMs >= 0; n++)
        if (!(await store.purge({ succeeded: rules, failed: rules, cancelled: rules }, 500)).more) break;
      const records = await Promise.all([run, kept].map(({ id }) => store.getRun(id)));
      const [gone] = records.filter((each) => each?.purged);
      const left = records.find((each) => !each?.purged);
      await expect(large.sweep(10)).rejects.toMatchObject({ code: "blob-unreachable" });
      broken = false;
      expect(await large.sweep(10)).toBe(false);
      expect(filesIn(path).filter((file) => file.includes(gone?.id as string))).toEqual([]);
      expect(filesIn(path).filter((file) => file.includes(left?.id as string))).not.toEqual([]);
      expect(await store.dueBlobs(10)).toMatchObject({ runs: [] });
    });

    it("of a wide map are handed to a task page by page, as often as it goes through them", async () => {
      const { jobbers } = await stage(openStore);
      await jobbers.worker({ workflows, concurrency: 50 }).start();
      const list = Array.from({ length: 700 }, (_, n) => n);
      const run = await jobbers.submit(joined, { list, chars: 10 });
      expect(await run.result()).toEqual({ length: 700, seen: 1_400, chars: 14_000 });
      const empty = await jobbers.submit(joined, { list: [], chars: 10 });
      expect(await empty.result()).toEqual({ length: 0, seen: 0, chars: 0 });
      const large = await jobbers.submit(joined, { list: [0, 1, 2], chars: 3_000 });
      expect(await large.result()).toEqual({ length: 3, seen: 6, chars: 18_000 });
    });
  });

  const openStore = () => openSqliteStore("memory:");

  it("stay in it up to the size that was set, to the byte", async () => {
    const { path, jobbers } = await stage(openStore);
    await jobbers.worker({ workflows }).start();
    // With its two quotation marks.
    expect(await (await jobbers.submit(pipe, { chars: 998 })).result()).toBe(998);
    expect(filesIn(path)).toEqual([]);
    expect(await (await jobbers.submit(pipe, { chars: 999 })).result()).toBe(999);
    expect(filesIn(path)).toHaveLength(1);
  });

  it("that were altered or are gone fail the step that reads them for good, and nothing else", async () => {
    for (const [harm, what] of [
      [(file: string) => writeFileSync(file, "short"), /has 5 bytes instead of 5002$/],
      [(file: string) => writeFileSync(file, "z".repeat(5_002)), /its content differs$/],
      [(file: string) => rmSync(file), /should be at file:.*produce\.[0-9a-f]{64}, but is not there$/],
    ] as const) {
      const { path, store, whole, jobbers } = await stage(openStore, {
        async put(name, bytes) {
          await whole.put(name, bytes);
          if (bytes.length > 5_000) for (const file of filesIn(path)) if (file.endsWith(name)) harm(file);
        },
      });
      await jobbers.worker({ workflows }).start();
      const [bad, good] = [
        await jobbers.submit(pipe, { chars: 5_000 }),
        await jobbers.submit(pipe, { chars: 4_000 }),
      ];
      const failure = await failureIn(bad);
      expect(failure).toMatchObject({ step: "measure", attempts: 1, message: expect.stringMatching(what) });
      expect(failure?.message).toContain(`the output of step "produce" of run ${bad.id} (4.9 KiB)`);
      expect(await good.result()).toBe(4_000);
      // Put back, it is read as if nothing had been.
      const { produce: kept } = await store.readValues(bad.id, ["produce"]);
      await whole.put(readBlobRef(kept as string).name, Buffer.from(JSON.stringify("x".repeat(5_000))));
      expect(await bad.retry()).toBe("retried");
      expect(await bad.result()).toBe(5_000);
    }
  });

  it("whose reference in the store was meddled with fail the step that reads them, once and for all", async () => {
    const { store, jobbers } = await stage(openStore);
    const submit = store.submit.bind(store);
    store.submit = (batch, call) =>
      submit(
        batch.map((each) => ({ ...each, input: '@blob {"name":"../x"}' })),
        call,
      );
    await jobbers.worker({ workflows }).start();
    const failure = await failureIn(await jobbers.submit(echo, { text: "t" }));
    expect(failure).toMatchObject({
      attempts: 1,
      message: expect.stringContaining("is no reference to a blob"),
    });
  });

  it("in a place that is troubled for a while are tried again by the step's policy", async () => {
    let [puts, gets] = [0, 0];
    const { whole, jobbers } = await stage(openStore, {
      async put(name, bytes) {
        if (puts++ < 2)
          throw new JobbersError("blob-unwritable", "file:///mnt/jobs has no room left (ENOSPC)");
        await whole.put(name, bytes);
      },
      async get(name) {
        if (gets++ < 2) throw new TypeError("an adapter's own trouble");
        return whole.get(name);
      },
    });
    await jobbers.worker({ workflows }).start();
    const run = await jobbers.submit(pipe, { chars: 5_000 });
    expect(await run.result()).toBe(5_000);
    const tries = await Promise.all(
      ["produce", "measure"].map((step) => jobbers.store.listAttempts(run.id, step)),
    );
    expect(tries.map((each) => each.map(({ error }) => JSON.parse(error as string).message))).toEqual([
      Array(2).fill(
        `the output of step "produce" of run ${run.id} (4.9 KiB): file:///mnt/jobs has no room left (ENOSPC)`,
      ),
      Array(2).fill(`the output of step "produce" of run ${run.id} (4.9 KiB): an adapter's own trouble`),
    ]);
  });

  it("that a map needs are waited for a while, since it has no policy by which it is tried again", async () => {
    let gets = 0;
    const { whole, jobbers } = await stage(openStore, {
      async get(name) {
        if (gets++ < 1) throw new JobbersError("blob-unreachable", "file:///mnt/jobs is not there");
        return whole.get(name);
      },
    });
    await jobbers.worker({ workflows }).start();
    const run = await jobbers.submit(lengths, { list: Array(400).fill("abc") });
    expect(await run.result()).toEqual(Array(400).fill(3));
    expect(gets).toBe(2);
  });

  it("in a full place refuse a submission, or fail a step after its tries, with that error; the rest goes on", async () => {
    const full = async () => {
      throw new JobbersError("blob-unwritable", "file:///mnt/jobs has no room left (ENOSPC)");
    };
    const { jobbers } = await stage(openStore, { put: full });
    await jobbers.worker({ workflows }).start();
    const [refused, taken] = await jobbers.submitMany(echo, [
      { input: { text: "t".repeat(3_000) } },
      { input: { text: "t" } },
    ]);
    expect(refused).toMatchObject({ status: "refused", error: { code: "blob-unwritable" } });
    expect(taken?.status === "refused" || (await taken?.run.result())).toBe(1);
    const run = await jobbers.submit(pipe, { chars: 5_000 });
    expect(await failureIn(run)).toMatchObject({
      step: "produce",
      attempts: 3,
      message: expect.stringMatching(/no room left \(ENOSPC\)$/),
    });
  });

  it("cannot be read by a process that was told of no place, which says so", async () => {
    const { store, jobbers } = await stage(openStore);
    const worker = jobbers.worker({ workflows });
    await worker.start();
    const run = await jobbers.submit(echo, { text: "t".repeat(3_000) });
    await run.result();
    const blind = over(store, undefined);
    await expect(blind.store.readValues(run.id, [":input"])).rejects.toMatchObject({
      code: "blob-unreachable",
      message: expect.stringMatching(
        /^the input of run .* lies in file:.* of which this process was not told; connect with/,
      ),
    });
    expect(await blind.run(run.id).result()).toBe(3_000);
  });

  it("are told of with their place, over HTTP and in the step's detail", async () => {
    const { path, jobbers } = await stage(openStore);
    await jobbers.worker({ workflows }).start();
    const run = await jobbers.submit(echo, { text: "t".repeat(3_000) });
    const other = await jobbers.submit(pipe, { chars: 5_000 });
    await Promise.all([run.result(), other.result()]);
    const api = createApi({ store: jobbers.store });
    open.push(api);
    const client = createClient({ fetch: (request) => api.fetch(request) });
    expect(await client.run(run.id).detail()).toMatchObject({
      input: { text: "t".repeat(3_000) },
      inputPlace: { url: expect.stringMatching(`/${run.id}/_input\\.`), bytes: 3_011 },
    });
    const at = { url: expect.stringMatching(`^file:.*/${other.id}/produce\\.`), bytes: 5_002 };
    expect(await client.run(other.id).step("produce")).toMatchObject({
      output: "x".repeat(5_000),
      outputPlace: at,
    });
    expect((await client.run(other.id).detail()).steps).toMatchObject([
      { outputPlace: at },
      { name: "measure" },
    ]);
    for (const file of filesIn(path)) rmSync(file);
    const lost = await client.run(other.id).step("produce");
    expect(lost).not.toHaveProperty("output");
    expect(lost.outputPlace?.trouble).toMatch(/but is not there$/);
    expect(await client.run(run.id).detail()).toMatchObject({ inputPlace: { trouble: expect.any(String) } });
  });

  it("that make a list beyond what one value may be are an error that says how to take it", async () => {
    const { jobbers } = await stage(openStore);
    await jobbers.worker({ workflows, concurrency: 20 }).start();
    const list = Array.from({ length: 35 }, (_, n) => n);
    const run = await jobbers.submit(wide, { list, chars: 500_000 });
    await expect(run.result()).rejects.toMatchObject({
      code: "value-too-large",
      message:
        'the results of "spell[]", 35 in all, make a list of more than 16 MiB; take them one by one, by items() in the dag or run.items()',
    });
    const seen: number[] = [];
    for await (const { n, text } of run.items()) seen.push(text.length === 500_000 ? n : -1);
    expect(seen).toEqual(list);
    const api = createApi({ store: jobbers.store });
    open.push(api);
    const client = createClient({ fetch: (request) => api.fetch(request) });
    const far: number[] = [];
    for await (const { n } of client.run<typeof wide>(run.id).items()) far.push(n);
    expect(far).toEqual(list);
    const one = await jobbers.submit(pipe, { chars: 3 });
    await expect(one.items()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "output-invalid",
    });
    await expect(client.run(one.id).items()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "output-invalid",
    });
  });
});

describe("connect", () => {
  it("takes a place and a size, and refuses what is neither", async () => {
    const path = directory();
    const url = pathToFileURL(path).href;
    const jobbers = await connect("memory:", { blobs: url, blobsFrom: "1KiB" });
    open.push(jobbers);
    expect(jobbers.store.large?.place).toBe(url);
    await jobbers.worker({ workflows, maxOutput: "4KiB" }).start();
    expect(await (await jobbers.submit(pipe, { chars: 2_000 })).result()).toBe(2_000);
    expect(filesIn(path)).toHaveLength(1);
    const failure = await failureIn(await jobbers.submit(pipe, { chars: 5_000 }));
    expect(failure).toMatchObject({
      attempts: 1,
      message: "output of produce has 4.9 KiB of JSON; 4 KiB is the most",
    });
    const invalid = { code: "flag-invalid" };
    await expect(connect("memory:", { blobs: "ftp://secret@a" })).rejects.toMatchObject({
      ...invalid,
      message: 'blobs: there are no "ftp:" places; it takes file:///PATH or s3://BUCKET/PREFIX',
    });
    await expect(connect("memory:", { blobs: "s3://jobs" })).rejects.toMatchObject(invalid);
    await expect(connect("memory:", { blobs: url, blobsFrom: "1 MB" as "1MiB" })).rejects.toMatchObject(
      invalid,
    );
    expect(() => jobbers.worker({ workflows, maxOutput: "1GiB" as "1MiB" })).toThrow("maxOutput");
  });
});
