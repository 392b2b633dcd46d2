import { type LargeValues, PAGE_LIMIT } from "@jobbers/core";

/** Texts below this size are not worth keeping: they travel with the grants that need them. */
const MIN_KEPT_CHARS = 1_024;

/** Who reads more at a time goes through a list, which would push out what others read again. */
const MAX_KEPT_AT_ONCE = 16;

type Texts = Readonly<Record<string, string | null>>;

/** How values are read from, and made ready for, the store. */
export interface ValueAccess {
  readonly read: (run: string, keys: readonly string[]) => Promise<Texts>;
  /** As `store.large` has it; none: the store keeps all of them itself. */
  readonly keep?: LargeValues["keep"] | undefined;
}

/**
 * The values that steps read: those that came with the grant, and the rest from the store.
 *
 * Large values (a run's input that every instance of a map reads) are kept, up to `maxChars` in all, the least recently used
 * go first. Only what never changes is kept: not a missing value, nor what failed first, nor an input that was edited by hand.
 */
export class Values {
  readonly #kept = new Map<string, string>();
  #chars = 0;

  constructor(
    private readonly access: ValueAccess,
    private readonly maxChars = 32 * 1024 * 1024,
  ) {}

  /** How many characters are kept. */
  get chars(): number {
    return this.#chars;
  }

  /** What is to be reported for a value: its text, or, where that is too large for the store, a reference to where it was put. */
  keep(run: string, key: string, text: string): string | Promise<string> {
    const { keep } = this.access;
    return keep ? keep(run, key, text) : text;
  }

  /** Reads one text from the store and keeps it not: it may be another the next time. */
  async readOnce(run: string, key: string): Promise<string | null> {
    return (await this.access.read(run, [key]))[key] ?? null;
  }

  /** Reads texts of a run for a step with which some were granted. */
  async read(run: string, keys: readonly string[], granted: Texts): Promise<Texts> {
    const found: Record<string, string | null> = Object.create(null);
    const absent: string[] = [];
    for (const key of keys) {
      const text = Object.hasOwn(granted, key) ? granted[key] : this.#recall(`${run} ${key}`);
      if (text === undefined) absent.push(key);
      else found[key] = text;
    }
    const isFew = absent.length <= MAX_KEPT_AT_ONCE;
    for (let at = 0; at < absent.length; at += PAGE_LIMIT) {
      const texts = await this.access.read(run, absent.slice(at, at + PAGE_LIMIT));
      for (const [key, text] of Object.entries(texts)) {
        found[key] = text;
        if (isFew && text !== null && !/:(?:failure|edited)$/.test(key)) this.#keep(`${run} ${key}`, text);
      }
    }
    return found;
  }

  #recall(id: string): string | undefined {
    const text = this.#kept.get(id);
    if (text === undefined) return undefined;
    this.#kept.delete(id);
    this.#kept.set(id, text);
    return text;
  }

  #keep(id: string, text: string): void {
    if (text.length < MIN_KEPT_CHARS || text.length > this.maxChars / 4 || this.#kept.has(id)) return;
    this.#kept.set(id, text);
    this.#chars += text.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#chars <= this.maxChars) break;
      this.#kept.delete(oldest);
      this.#chars -= length;
    }
  }
}
