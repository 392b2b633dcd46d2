import { JobbersError } from "../errors/errors.js";
import { sha256Hex } from "../values/hash.js";
import { quoted } from "../values/quoted.js";
import { showBytes } from "../values/size.js";
import { type BlobRef, blobName, blobRefText, isBlobRef, readBlobRef } from "./blob-ref.js";
import type { Blobs } from "./blobs.js";
import type { ExchangeReply } from "./exchange.js";
import type { Store } from "./store.js";

/** Values that are too large for the store's own records, which keep a reference in their place. */
export interface LargeValues {
  /** Where they lie, without secrets; absent where this process knows no place: then it can neither write nor read any. */
  readonly place: string | undefined;
  /**
   * What is to be sent to the store for a value: the text itself, or, where it is too large, a reference to the blob that it was
   * written to. The run need not be there yet.
   *
   * @throws JobbersError `blob-unwritable`; what the store throws
   */
  keep(run: string, key: string, text: string): string | Promise<string>;
  /** The references behind some keys; keys whose values the store has itself, or that have none, are left out. */
  locate(run: string, keys: readonly string[]): Promise<Record<string, BlobRef>>;
  /**
   * Deletes what runs that are gone have left, of at most so many runs; true when there is more.
   *
   * @throws JobbersError `blob-unreachable` when something could not be deleted: it stays noted, and is deleted by a later call
   */
  sweep(limit: number): Promise<boolean>;
}

/** What {@link withBlobs} takes beside the store. */
export interface LargeValuesOptions {
  /** None: nothing is written elsewhere, and reading what others wrote there fails with an error that says so. */
  readonly blobs: Blobs | undefined;
  /** What has more bytes of JSON than this leaves the store. */
  readonly fromBytes: number;
}

/** Above this size values leave the store by default, in bytes of JSON. */
export const BLOBS_FROM_BYTES = 64 * 1024;

/** How many blobs are read, or runs swept, at a time. */
const AT_A_TIME = 8;

/** Of how many runs is it known that the store has been told of their blobs. */
const MAX_NOTED = 10_000;

/**
 * A store whose large values lie elsewhere. Whoever reads through it gets values and never meets a reference; who writes asks
 * `store.large.keep` first.
 *
 * A run is noted in the store before its first blob is written, so that no blob is ever lost track of: not of an attempt that was
 * never accepted, nor of a submission that never came.
 */
export function withBlobs(store: Store, options: LargeValuesOptions): Store {
  const large = createLargeValues(store, options);
  const changed: Partial<Store> = {
    large,
    async readValues(run, keys) {
      const texts = await store.readValues(run, keys);
      const found = Object.entries(texts).filter(([, text]) => isBlobRef(text)) as [string, string][];
      if (found.length === 0) return texts;
      const read: Record<string, string | null> = { ...texts };
      await forEach(found, async ([key, text]) => {
        read[key] = await large.read(run, key, text);
      });
      return read;
    },
    exchange: async (call) => withoutAnyRefs(await store.exchange(call)),
    ...(store.standBy && {
      standBy: async (call, signal) => withoutAnyRefs(await (store as Required<Store>).standBy(call, signal)),
    }),
    async close() {
      await store.close();
      await options.blobs?.close();
    },
  };
  return new Proxy(store, {
    set: (_target, key, value) => Reflect.set(changed, key, value),
    get(target, key) {
      if (Object.hasOwn(changed, key)) return changed[key as keyof Store];
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

/** A value that is absent from its grant is read when it is needed. */
function withoutAnyRefs(reply: ExchangeReply): ExchangeReply {
  if (reply.grants.every(({ values }) => !hasRef(values))) return reply;
  return {
    ...reply,
    grants: reply.grants.map((grant) => ({ ...grant, values: withoutRefs(grant.values) })),
  };
}

function createLargeValues(store: Store, { blobs, fromBytes }: LargeValuesOptions) {
  const noted = new Set<string>();
  const note = async (run: string) => {
    if (noted.has(run)) return;
    await store.noteBlobs([run]);
    if (noted.size >= MAX_NOTED) noted.clear();
    noted.add(run);
  };
  const write = async (at: Blobs, run: string, key: string, text: string) => {
    const bytes = Buffer.from(text);
    const sha256 = sha256Hex(bytes);
    const ref: BlobRef = { place: at.url, name: blobName(run, key, sha256), bytes: bytes.length, sha256 };
    await note(run);
    await about("blob-unwritable", `${describeValue(run, key)} (${showBytes(ref.bytes)})`, () =>
      at.put(ref.name, bytes),
    );
    return blobRefText(ref);
  };
  return {
    place: blobs?.url,
    keep(run, key, text) {
      // No character takes more than three bytes.
      if (!blobs || text.length <= fromBytes / 3 || Buffer.byteLength(text) <= fromBytes) return text;
      return write(blobs, run, key, text);
    },
    async locate(run, keys) {
      const texts = await store.readValues(run, keys);
      const found = Object.entries(texts).filter(([, text]) => isBlobRef(text)) as [string, string][];
      return Object.fromEntries(found.map(([key, text]) => [key, refOf(run, key, text)]));
    },
    read: async (run, key, text) => readBlob(blobs, run, key, refOf(run, key, text)),
    async sweep(limit) {
      if (!blobs) return false;
      const { runs, more } = await store.dueBlobs(limit);
      const gone: string[] = [];
      let trouble: unknown;
      await forEach(runs, async (run) => {
        try {
          await about("blob-unreachable", `what run ${run} has left`, () => blobs.deleteAll(run));
          gone.push(run);
        } catch (error) {
          trouble ??= error;
        }
      });
      if (gone.length > 0) await store.forgetBlobs(gone);
      if (trouble !== undefined) throw trouble;
      return more;
    },
  } satisfies LargeValues & { read(run: string, key: string, text: string): Promise<string> };
}

function refOf(run: string, key: string, text: string): BlobRef {
  try {
    return readBlobRef(text);
  } catch (cause) {
    const what = `where ${describeValue(run, key)} lies cannot be read from the store`;
    throw new JobbersError("blob-altered", `${what}: ${(cause as Error).message}`, { cause });
  }
}

async function readBlob(blobs: Blobs | undefined, run: string, key: string, ref: BlobRef): Promise<string> {
  const { place, name, bytes: size, sha256 } = ref;
  const what = `${describeValue(run, key)} (${showBytes(size)})`;
  if (!blobs) {
    const remedy = "connect with { blobs }, --blobs or JOBBERS_BLOBS";
    throw fault(
      "blob-unreachable",
      `${what} lies in ${place}, of which this process was not told; ${remedy}`,
      ref,
    );
  }
  const bytes = await about("blob-unreachable", what, () => blobs.get(name));
  const elsewhere = place === blobs.url ? "" : ` (it was written to ${place})`;
  if (!bytes)
    throw fault(
      "blob-missing",
      `${what} should be at ${blobs.url}/${name}${elsewhere}, but is not there`,
      ref,
    );
  if (bytes.byteLength === size && sha256Hex(bytes) === sha256) return Buffer.from(bytes).toString();
  const how =
    bytes.byteLength === size ? "its content differs" : `it has ${bytes.byteLength} bytes instead of ${size}`;
  throw fault("blob-altered", `${what} at ${blobs.url}/${name} is not what was written there: ${how}`, ref);
}

function fault(
  code: "blob-unreachable" | "blob-missing" | "blob-altered",
  message: string,
  ref: BlobRef,
): JobbersError {
  return new JobbersError(code, message, { detail: { ...ref } });
}

/** Says of what a place is troubled that it is; whatever an adapter throws, it has one of the port's codes. */
async function about<T>(
  code: "blob-unwritable" | "blob-unreachable",
  what: string,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const known = cause instanceof JobbersError && /^blob-un/.test(cause.code) ? cause.code : code;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new JobbersError(known as typeof code, `${what}: ${why}`, { cause });
  }
}

/** Names a value by its key (see `valueKey`): `the output of step "fetch[3]" of run 01…`. */
function describeValue(run: string, key: string): string {
  const [address, rest] = key.split(":") as [string, string?];
  if (rest === undefined) return `the output of step ${quoted(address)} of run ${run}`;
  if (rest === "edited") return `the edited input of step ${quoted(address)} of run ${run}`;
  if (rest !== "input") return `element ${rest} of ${quoted(address)} of run ${run}`;
  return address === "" ? `the input of run ${run}` : `the input of ${quoted(address)} of run ${run}`;
}

function hasRef(values: Readonly<Record<string, string | null>>): boolean {
  for (const key in values) if (isBlobRef(values[key])) return true;
  return false;
}

function withoutRefs(values: Readonly<Record<string, string | null>>) {
  return Object.fromEntries(Object.entries(values).filter(([, text]) => !isBlobRef(text)));
}

/** Does something with each, a few at a time; the first trouble ends it. */
async function forEach<T>(all: readonly T[], act: (each: T) => Promise<void>): Promise<void> {
  const left = all.values();
  const lane = async () => {
    for (const each of left) await act(each);
  };
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, all.length) }, lane));
}
