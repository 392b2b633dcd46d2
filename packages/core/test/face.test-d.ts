// biome-ignore-all lint/complexity/noCommaOperator: a type is asserted inside an expression
// biome-ignore-all lint/suspicious/useIterableCallbackReturn: bodies of ref.map are no callbacks of a list
// biome-ignore-all lint/style/useTemplate: what is refused is the addition
import { z } from "zod";
import {
  type AnyDag,
  type AnyTask,
  type AnyWorkflow,
  type BatchContext,
  batchTask,
  command,
  concurrency,
  dag,
  eq,
  type Failure,
  type HookedAttempt,
  type Hooks,
  hash,
  type InputOf,
  type JsonValue,
  leastLoaded,
  not,
  type OutputOf,
  orElse,
  type Ref,
  type RefTo,
  RetryAfter,
  type RetryOn,
  rate,
  roundRobin,
  type Task,
  type TaskContext,
  Terminal,
  task,
  testContext,
  type Workflow,
} from "../src/index.js";

/** Exact equality of types, `any` told from `unknown`. */
type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
function is<A, B>(..._proof: Equal<A, B> extends true ? [] : ["not equal", A, B]): void {}
type Of<R> = R extends RefTo<infer T> ? T : "no ref";

// --------------------------------------------------------------------------------------------------- tasks and their types

interface Page {
  readonly title: string;
  readonly words: number;
  readonly draft: boolean;
  readonly author: { readonly name: string } | null;
  readonly note?: string;
  readonly tags: readonly string[];
  readonly meta: Record<string, number>;
  readonly at: string;
  readonly then: string;
  readonly size: readonly [width: number, unit: string];
}
const page = task({
  name: "page",
  input: z.object({ url: z.string(), depth: z.number().optional() }),
  run: async (): Promise<Page> => null as unknown as Page,
});
const list = task({ name: "list", input: z.object({ from: z.string() }), run: async () => ["a", "b"] });
const noInput = task({ name: "no-input", run: async () => 1 });
const nothing = task({ name: "nothing", run: async () => {} });
const loose = task({ name: "loose", run: async () => JSON.parse("1") });
const count = task({
  name: "count",
  input: z.object({ of: z.array(z.string()) }),
  run: ({ of }) => of.length,
});
const flagged = task({
  name: "flagged",
  input: z.object({ flag: z.boolean() }),
  run: async ({ flag }) => !flag,
});
const parsed = task({
  name: "parsed",
  input: z.object({ n: z.string().transform(Number) }),
  output: z.date().transform((date) => date.toISOString()),
  run: async ({ n }) => {
    is<typeof n, number>();
    return new Date(n);
  },
});
const union = task({
  name: "union",
  run: async (): Promise<{ kind: "a"; a: string } | { kind: "b"; b: number }> => ({ kind: "a", a: "" }),
});

is<InputOf<typeof page>, { url: string; depth?: number | undefined }>();
is<OutputOf<typeof page>, Page>();
is<InputOf<typeof parsed>, { n: string }>();
is<OutputOf<typeof parsed>, string>();
is<OutputOf<typeof nothing>, null>();
is<OutputOf<typeof loose>, unknown>();
is<OutputOf<typeof count>, number>();
is<InputOf<typeof noInput>, Record<string, never>>();
is<Parameters<typeof parsed.run>[0], { n: number }>();
is<ReturnType<typeof parsed.run>, Promise<string>>();
is<typeof page.kind, "task">();

const batched = batchTask({
  name: "batched",
  input: z.object({ n: z.number().default(1) }),
  batch: { size: 10, wait: "5ms" },
  run: async (inputs, ctx) => {
    is<typeof inputs, readonly { n: number }[]>();
    is<typeof ctx, BatchContext<unknown>>();
    return inputs.map(({ n }) => (n > 1 ? new Error("too large") : { half: n / 2 }));
  },
});
is<typeof batched, Task<{ n?: number | undefined }, { half: number }, { n: number }>>();
dag("batches", { input: z.object({ list: z.array(z.number()) }) }, ({ list }) =>
  list.map((n) => {
    const half = batched({ n });
    is<typeof half, Ref<{ half: number }>>();
    return half;
  }),
);
// @ts-expect-error a batch task answers a list
batchTask({ name: "one", batch: { size: 10 }, run: async () => 1 });
// @ts-expect-error no size
batchTask({ name: "sizeless", batch: {}, run: async () => [1] });
// @ts-expect-error what JSON cannot carry
batchTask({ name: "dates", batch: { size: 10 }, run: async () => [new Date()] });

// ------------------------------------------------------------------------------------------------------- refs inside a dag

const reading = dag("reading", { input: z.object({ url: z.string(), wanted: z.boolean() }) }, (input) => {
  is<Of<typeof input>, { url: string; wanted: boolean }>();
  is<Of<typeof input.url>, string>();
  const p = page({ url: input.url });
  is<typeof p, Ref<Page>>();
  is<Of<typeof p.title>, string>();
  is<Of<typeof p.words>, number>();
  is<Of<typeof p.draft>, boolean>();
  is<Of<typeof p.author>, { readonly name: string } | null>();
  is<Of<typeof p.author.name>, string | undefined>();
  is<Of<typeof p.note>, string | undefined>();
  is<Of<typeof p.tags>, readonly string[]>();
  is<Of<typeof p.tags.length>, number>();
  const tag = p.tags.at(0);
  is<Of<typeof tag>, string | undefined>();
  const meta = p.meta.at("x");
  is<Of<typeof meta>, number | undefined>();
  // Data properties with the names of methods are paths.
  is<Of<typeof p.at>, string>();
  is<Of<typeof p.then>, string>();
  is<Of<(typeof p.size)[0]>, number>();
  is<Of<(typeof p.size)[1]>, string>();
  is<Of<typeof p.size.length>, 2>();

  const u = union();
  is<Of<typeof u.kind>, "a" | "b">();
  is<Of<typeof u.a>, string | undefined>();
  is<Of<typeof u.b>, number | undefined>();
  const l = loose();
  is<Of<typeof l>, unknown>();
  is<Of<ReturnType<typeof nothing>>, null>();

  const pages = list({ from: "x" }).map((item, index) => {
    is<Of<typeof item>, string>();
    is<Of<typeof index>, number>();
    return page({ url: item, depth: index });
  });
  is<Of<typeof pages>, Page[]>();
  const titles = pages.map((each) => each.title);
  is<Of<typeof titles>, string[]>();
  const pairs = pages.map((each, index) => ({ title: each.title, index, fixed: 7, list: [each.words, "x"] }));
  is<Of<typeof pairs>, { title: string; index: number; fixed: 7; list: [number, "x"] }[]>();
  const nested = pages.map((each) => each.tags.map((tag) => flagged({ flag: eq(tag, "x") })));
  is<Of<typeof nested>, boolean[][]>();
  const empty = pages.map(() => {});
  is<Of<typeof empty>, null[]>();

  const title = orElse(p.note, "none");
  is<Of<typeof title>, string>();
  const author = orElse(p.author, { name: "nobody" });
  is<Of<typeof author>, { readonly name: string } | { name: "nobody" }>();
  is<Of<ReturnType<typeof not>>, boolean>();
  is<Of<ReturnType<typeof eq<string>>>, boolean>();

  count(
    { of: titles },
    { name: "titles", when: input.wanted, trigger: "none_failed", after: [p, u], queue: "q", priority: 3 },
  );
  count({ of: ["literal", input.url, p.title] }, { retry: { attempts: 2 }, timeout: "1s", after: p });
  count({ of: p.tags }, { when: not(eq(p.title, "x")) });
  noInput();
  noInput({}, { name: "twice" });
  return { p, titles, literal: "x", deep: { input } };
});
is<
  OutputOf<typeof reading>,
  { p: Page; titles: string[]; literal: "x"; deep: { input: { url: string; wanted: boolean } } }
>();
is<InputOf<typeof reading>, { url: string; wanted: boolean }>();
is<typeof reading.kind, "dag">();

const outer = dag("outer", { onFailure: (failure) => list({ from: failure.error.message }) }, () => {
  const inner = reading({ url: "x", wanted: true }, { name: "inner" });
  is<Of<typeof inner.titles>, string[]>();
  return inner.titles;
});
is<OutputOf<typeof outer>, string[]>();
is<InputOf<typeof outer>, Record<string, never>>();
const silent = dag("silent", {}, () => {
  noInput();
});
is<OutputOf<typeof silent>, null>();
dag(
  "both",
  {
    input: z.object({ n: z.coerce.number<string>() }),
    onFailure: (failure, input) => {
      is<Of<typeof failure>, Failure>();
      is<Of<typeof input>, { n: number }>();
    },
  },
  (input) => input.n,
);

// ------------------------------------------------------------------------------------------------------ limits and spreads

task({
  name: "limited",
  input: z.object({ host: z.string() }),
  limits: [
    { rate: 10, per: "1s", key: (i) => (is<typeof i, { host: string }>(), i.host) },
    { concurrency: 2, key: (i) => i.host },
    { concurrency: 5 },
    { name: "stripe", rate: 1, per: "1m", burst: 3, cost: (i) => i.host.length, key: (i) => i.host },
    { name: "proxy", concurrency: 5 },
    rate({ limit: 10, per: "1s", burst: 2, cost: 2, key: (i: { host: string }) => i.host }),
    concurrency({ limit: 2, key: (i) => i.host }),
  ],
  run: async () => 1,
});
dag("spread", { input: z.object({ urls: z.array(z.string()) }) }, ({ urls }) => {
  urls.map((url) => page({ url }), { spread: hash((url) => (is<typeof url, string>(), url), ["a", "b"]) });
  urls.map((url) => page({ url }), { spread: roundRobin(["a"]) });
  urls.map((url) => page({ url }), { spread: leastLoaded(["a"]), name: "pages", when: eq(urls.length, 3) });
});

// ---------------------------------------------------------------------------------------------- what others accept and use

const anyTask: AnyTask = page;
const anyWorkflows: AnyWorkflow[] = [page, parsed, reading, outer, nothing];
const anyDag: AnyDag = reading;
const submit = <I, O>(_workflow: Workflow<I, O>, _input: I): O => null as O;
is<ReturnType<typeof submit<{ n: string }, string>>, string>();
const answered = submit(parsed, { n: "1" });
is<typeof answered, string>();
task({
  name: "with-deps",
  input: z.object({ id: z.string() }),
  run: async ({ id }, ctx: TaskContext<{ db: Map<string, string> }>) => ctx.deps.db.get(id) ?? null,
});
is<ReturnType<typeof testContext<{ a: 1 }>>["deps"], { a: 1 }>();
const context = testContext();
is<typeof context.deps, unknown>();
void [anyTask, anyWorkflows, anyDag, page.run({ url: "" }, context)];
const jsonOutput = task({ name: "json", run: async (): Promise<JsonValue> => 1 });
is<OutputOf<typeof jsonOutput>, JsonValue>();

// --------------------------------------------------------------------------------------------- what the compiler refuses

dag("refused", { input: z.object({ url: z.string(), flag: z.boolean(), n: z.number() }) }, (input) => {
  const p = page({ url: input.url });
  const urls = list({ from: input.url });
  // @ts-expect-error a number where text belongs
  page({ url: input.n });
  // @ts-expect-error a literal of the wrong type
  page({ url: 3 });
  // @ts-expect-error a missing property
  page({});
  // @ts-expect-error no input at all
  page();
  // @ts-expect-error a property that the task does not take
  page({ url: "x", colour: "red" });
  // @ts-expect-error the whole output where text belongs
  page({ url: p });
  // @ts-expect-error a value that may be missing
  page({ url: p.note });
  // @ts-expect-error a list of the wrong type
  count({ of: [input.n] });
  // @ts-expect-error a property that the output does not have
  p.nothing;
  // @ts-expect-error text in a template
  void `${input.url}`;
  // @ts-expect-error text in arithmetic
  void (input.url + "x");
  // @ts-expect-error a number in arithmetic
  void (input.n + 1);
  // @ts-expect-error a comparison
  void (input.n > 3);
  // @ts-expect-error an equality with a literal
  void (input.url === "x");
  // @ts-expect-error a boolean as a condition
  if (input.flag) void 0;
  // @ts-expect-error a boolean in a conditional expression
  void (input.flag ? 1 : 2);
  // @ts-expect-error a boolean before &&
  void (input.flag && 1);
  // @ts-expect-error iteration
  for (const url of urls) void url;
  // @ts-expect-error spread
  void [...urls];
  // @ts-expect-error a list's other methods
  urls.filter((url) => url);
  // @ts-expect-error an element by index
  urls[0];
  // @ts-expect-error a task as the body
  urls.map(page);
  // @ts-expect-error an async body
  urls.map(async (url) => page({ url }));
  // @ts-expect-error `when` takes a boolean ref
  noInput({}, { when: input.n });
  // @ts-expect-error `when` takes no literal
  noInput({}, { when: true });
  // @ts-expect-error an unknown trigger
  noInput({}, { trigger: "some_failed" });
  // @ts-expect-error an unknown option
  noInput({}, { retries: 3 });
  // @ts-expect-error a dag inside a dag has no queue
  reading({ url: "x", wanted: true }, { queue: "q" });
  // @ts-expect-error `after` takes refs
  noInput({}, { after: "page" });
  // @ts-expect-error comparing text with a number
  eq(input.url, 3);
  // @ts-expect-error a spread over another element type
  urls.map((url) => page({ url }), { spread: hash((n: number) => String(n), ["a"]) });
  // @ts-expect-error a duration without a unit
  noInput({}, { timeout: "30" });
});

// ------------------------------------------------------------------------------------------------- retry policies and hooks

// Functions that stand before `run` leave its types alone.
const watched = task({
  name: "watched",
  input: z.object({ n: z.string().transform(Number) }),
  retry: {
    delay: ["3s", "30s", 600_000],
    on: (error, about) => {
      is<typeof error, unknown>();
      is<typeof about, { readonly tries: number }>();
      return about.tries < 3;
    },
  },
  hooks: {
    onStart(attempt) {
      is<typeof attempt, HookedAttempt>();
    },
    onSuccess: async ({ output, tookMs }) => {
      is<typeof output, unknown>();
      is<typeof tookMs, number>();
    },
    onError({ error, retryInMs, ...attempt }) {
      is<typeof error, unknown>();
      is<typeof retryInMs, number | undefined>();
      is<typeof attempt.queue, string>();
    },
    onSettled(attempt) {
      is<typeof attempt.outcome, "succeeded" | "failed" | "released">();
      if (attempt.outcome === "failed") is<typeof attempt.error, unknown>();
      // @ts-expect-error only a success has an output
      void attempt.output;
    },
  },
  run: async ({ n }) => ({ twice: n * 2 }),
});
is<InputOf<typeof watched>, { n: string }>();
is<OutputOf<typeof watched>, { twice: number }>();
is<typeof watched.retryOn, RetryOn | undefined>();
is<typeof watched.hooks, Hooks | undefined>();
dag("retrying", {}, () => noInput({}, { retry: { delay: ["1s", "1d"] } }));
dag("inlining", {}, () => noInput({}, { inline: "never" }));
// @ts-expect-error there are auto, always and never
dag("inlining", {}, () => noInput({}, { inline: true }));
// @ts-expect-error the word belongs to a call
task({ name: "inlined", inline: "always", run: () => 1 });
// @ts-expect-error a call does not judge errors
dag("judging", {}, () => noInput({}, { retry: { on: () => true } }));
// @ts-expect-error an async judge
task({ name: "judge", retry: { on: async () => true }, run: () => 1 });
// @ts-expect-error a hook that there is none of
task({ name: "hook", hooks: { onFailure: () => {} }, run: () => 1 });
// @ts-expect-error a list's delay without a unit
task({ name: "delay", retry: { delay: ["3"] }, run: () => 1 });
// @ts-expect-error a delay is a duration
new RetryAfter("soon");
// @ts-expect-error a reason is text
new Terminal(new Error("no"));

// @ts-expect-error an async build function
dag("async", {}, async () => noInput());
// @ts-expect-error a Date is no JSON
task({ name: "date", run: async () => new Date() });
// @ts-expect-error a Map is no JSON
task({ name: "map", run: async () => ({ deep: new Map([["a", 1]]) }) });
// @ts-expect-error a BigInt is no JSON
task({ name: "bigint", run: async () => [1n] });
// @ts-expect-error a list with holes is no JSON
task({ name: "holes", run: async (): Promise<(string | undefined)[]> => [] });
// @ts-expect-error the output schema takes a Date
task({ name: "schema", output: z.date().transform(String), run: async () => "text" });
task({
  name: "key",
  input: z.object({ a: z.string() }),
  // @ts-expect-error a limit's key reads a property that the input does not have
  limits: [{ rate: 1, per: "1s", key: (i) => i.b }],
  run: () => 1,
});
// @ts-expect-error neither a rate nor a concurrency
task({ name: "limit", limits: [{ per: "1s" }], run: () => 1 });
// @ts-expect-error a failure mode that does not exist
dag("mode", { failure: "ignore" }, () => 1);
// @ts-expect-error an unknown task option
task({ name: "option", retries: 3, run: () => 1 });
// @ts-expect-error submitting another input
submit(parsed, { n: 1 });

const counted = command({
  name: "counted",
  input: z.object({ text: z.string() }),
  output: z.object({ n: z.number() }),
  run: ({ text }) => ["wc", "-w", text],
});
dag("counting", {}, () => {
  const half = task({ name: "half", input: z.object({ n: z.number() }), run: ({ n }) => n / 2 });
  return half({ n: counted({ text: "a" }).n });
});
// @ts-expect-error a number where text belongs
submit(counted, { text: 1 });
// @ts-expect-error a program's arguments are texts
command({ name: "numbered", run: ["sleep", 1] });
// @ts-expect-error a command has no handler to isolate
command({ name: "isolated", run: ["true"], isolate: "thread" });
// @ts-expect-error neither a thread nor a process
task({ name: "fiber", isolate: "fiber", module: import.meta.url, run: () => 1 });
