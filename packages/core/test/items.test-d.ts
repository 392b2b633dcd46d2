// biome-ignore-all lint/suspicious/useIterableCallbackReturn: bodies of ref.map are no callbacks of a list
import { z } from "zod";
import {
  dag,
  type Input,
  type InputOf,
  type Items,
  isItems,
  items,
  itemsOf,
  type Ref,
  type RefTo,
  task,
} from "../src/index.js";

/** Exact equality of types, `any` told from `unknown`. */
type Equal<A, B> = (<X>() => X extends A ? 1 : 2) extends <X>() => X extends B ? 1 : 2 ? true : false;
function is<A, B>(..._proof: Equal<A, B> extends true ? [] : ["not equal", A, B]): void {}

interface Page {
  readonly url: string;
  readonly links: readonly string[];
}
const fetchPage = task({
  name: "fetch-page",
  input: z.object({ url: z.string() }),
  run: async ({ url }): Promise<Page> => ({ url, links: [] }),
});
const index = task({
  name: "index",
  input: z.object({ pages: z.custom<Items<Page>>(isItems), title: z.string().default("all") }),
  async run({ pages }) {
    is<typeof pages, Items<Page>>();
    is<typeof pages.length, number>();
    for await (const page of pages) is<typeof page, Page>();
    return pages.length;
  },
});
// What a mutable schema takes, a readonly output gives.
const links = task({
  name: "links",
  input: z.object({ lists: z.custom<Items<{ links: string[] }>>(isItems) }),
  run: async ({ lists }) => lists.length,
});
is<InputOf<typeof index>["pages"], Items<Page>>();
is<Input<Items<number>>, RefTo<Items<number>>>();

dag("right", { input: z.object({ urls: z.array(z.string()) }) }, ({ urls }) => {
  const pages = urls.map((url) => fetchPage({ url }));
  is<typeof pages, Ref<Page[]>>();
  const paged = items(pages);
  is<typeof paged, RefTo<Items<Page>>>();
  links({ lists: items(pages) });
  return index({ pages: paged });
});

dag("wrong", { input: z.object({ urls: z.array(z.string()) }) }, ({ urls }) => {
  const pages = urls.map((url) => fetchPage({ url }));
  // @ts-expect-error a list is no Items
  index({ pages });
  // @ts-expect-error of other elements
  index({ pages: items(urls) });
  // @ts-expect-error a literal list is no Items
  index({ pages: [] });
  // @ts-expect-error only lists have items
  items(fetchPage({ url: "a" }));
  // @ts-expect-error it has no members
  items(pages).length;
  // @ts-expect-error nor is it mapped over
  items(pages).map((page: Ref<Page>) => page);
  return null;
});

// @ts-expect-error no output: JSON cannot carry it
task({ name: "gives", run: async () => itemsOf([1]) });
// @ts-expect-error no input of a dag, which is kept as JSON
dag("takes", { input: z.object({ pages: z.custom<Items<Page>>(isItems) }) }, ({ pages }) => index({ pages }));
