import { describe, expect, it } from "vitest";
import {
  BLOB_FOLDER,
  BLOB_NAME,
  blobName,
  blobRefText,
  isBlobRef,
  readBlobRef,
  type Store,
  sha256Hex,
  showBytes,
  sizeBytes,
  withBlobs,
} from "../src/index.js";

const RUN = "01KADGN2Q7ZJ4M3V8XW5T9R6BC";

describe("a reference to a blob", () => {
  const ref = {
    place: "file:///mnt/jobs",
    name: blobName(RUN, "a/b[3]", sha256Hex("1")),
    bytes: 1,
    sha256: sha256Hex("1"),
  };

  it("is a text that is no JSON, and comes back as it was", () => {
    const text = blobRefText(ref);
    expect(() => JSON.parse(text)).toThrow(SyntaxError);
    expect(isBlobRef(text)).toBe(true);
    expect(readBlobRef(text)).toEqual(ref);
    for (const value of ["@blob {}", "@blob ", "@", ""]) expect(isBlobRef(JSON.stringify(value))).toBe(false);
    for (const none of [null, undefined, "", "@", "@blobs {}"]) expect(isBlobRef(none)).toBe(false);
  });

  it("that somebody has meddled with is refused, so that no name leads out of its place", () => {
    for (const bad of [
      { ...ref, name: "../../etc/passwd" },
      { ...ref, name: "a/../b" },
      { ...ref, bytes: "1" },
      { ...ref, sha256: "x" },
    ])
      expect(() => readBlobRef(blobRefText(bad as never))).toThrow(SyntaxError);
    expect(() => readBlobRef("@blob [")).toThrow(SyntaxError);
  });

  it("has a name that any file system and any URL takes, whatever the step's", () => {
    const addresses = [
      "fetch",
      "site[4]/fetch[3]",
      "add~2[1][]",
      ":input",
      `${"x".repeat(128)}/${"y".repeat(128)}[3]`,
      "é/😀 ..%",
    ];
    for (const address of addresses) {
      const name = blobName(RUN, address, sha256Hex(address));
      expect(name).toMatch(BLOB_NAME);
      expect(name.split("/")[0]).toMatch(BLOB_FOLDER);
    }
    expect(blobName(RUN, "fetch[3]", sha256Hex("1"))).toBe(`${RUN}/fetch_3_.${sha256Hex("1")}`);
  });
});

describe("a store whose large values lie elsewhere", () => {
  it("answers no reference with a grant, however that was asked for", async () => {
    const ref = { place: "file:///mnt/jobs", name: "x", bytes: 1, sha256: sha256Hex("1") };
    const reply = { grants: [{ values: { a: blobRefText(ref), b: "1" } }] };
    const plain = { exchange: async () => reply, standBy: async () => reply } as unknown as Store;
    const store = withBlobs(plain, { blobs: undefined, fromBytes: 1 });
    const call = {} as Parameters<Store["exchange"]>[0];
    const replies = [await store.exchange(call), await store.standBy?.(call, new AbortController().signal)];
    for (const each of replies) expect(each?.grants[0]?.values).toEqual({ b: "1" });
    const { exchange } = plain;
    expect(withBlobs({ exchange } as Store, { blobs: undefined, fromBytes: 1 }).standBy).toBeUndefined();
  });
});

describe("a size", () => {
  it.each([
    [1, 1],
    ["1B", 1],
    ["64KiB", 65_536],
    ["1.5MiB", 1_572_864],
    ["256MiB", 268_435_456],
  ])("%j is %i bytes", (given, bytes) => {
    expect(sizeBytes(given, "blobsFrom")).toBe(bytes);
  });

  it.each([
    0,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    "",
    "64",
    "64KB",
    "1GiB",
    "257MiB",
    "-1B",
    "1e3B",
    null,
    {},
  ])("%j is none", (given) => {
    expect(() => sizeBytes(given as never, "blobsFrom")).toThrow(
      expect.objectContaining({ code: "flag-invalid" }),
    );
  });

  it("is shown as people read it", () => {
    expect([0, 1_023, 1_024, 65_536, 100_002, 2 ** 24, 22_334_455].map(showBytes)).toEqual([
      ...["0 B", "1023 B", "1 KiB", "64 KiB", "97.7 KiB", "16 MiB", "21.3 MiB"],
    ]);
  });
});
