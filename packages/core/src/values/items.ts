/** Registered, so that two copies of the package agree; behind it stands who reads from an index on. */
const READ = Symbol.for("jobbers.items");

declare const element: unique symbol;

/**
 * A list that is read page by page while it is gone through, and may be gone through again. A handler gets one where its dag wrote
 * `items(list)`.
 *
 * @example
 * for await (const page of pages) count(page);
 */
export interface Items<out T> extends AsyncIterable<T> {
  /** How many elements there are. */
  readonly length: number;
  /** Exists for types only. */
  readonly [element]?: T;
}

type Read<T> = (from: number) => AsyncGenerator<T, void, undefined>;

/**
 * Whether a value is an {@link Items}; for schemas.
 *
 * @example
 * const input = z.object({ pages: z.custom<Items<{ url: string }>>(isItems) });
 */
export function isItems(value: unknown): value is Items<unknown> {
  return typeof value === "object" && value !== null && READ in value;
}

/**
 * Makes an {@link Items} of a list, for tests of a task that takes one.
 *
 * @example
 * await buildIndex.run({ pages: itemsOf([{ url: "https://a.example" }]) }, testContext());
 */
export function itemsOf<T>(list: readonly T[]): Items<T> {
  return createItems(list.length, async function* (from) {
    yield* list.slice(from);
  });
}

/** Makes an {@link Items} that is read, each time that it is gone through, by `read`, from an index on. */
export function createItems<T>(length: number, read: Read<T>): Items<T> {
  const items = { length, [READ]: read, [Symbol.asyncIterator]: () => read(0) };
  return Object.freeze(items);
}

/** The elements from an index on, without those before being read. */
export function readFrom<T>(items: Items<T>, from: number): AsyncGenerator<T, void, undefined> {
  return (items as unknown as { readonly [READ]: Read<T> })[READ](from);
}
