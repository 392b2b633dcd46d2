import { mkdir, mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { blobsContract } from "@jobbers/testing/contract";
import { describe, expect, it, onTestFinished } from "vitest";
import { openFileBlobs } from "../src/blobs.js";
import { faultOf } from "../src/faults.js";

const RUN = "01KADGN2Q7ZJ4M3V8XW5T9R6BC";

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "jobbers-blobs-"));
  onTestFinished(() => rm(path, { recursive: true, force: true, maxRetries: 20 }));
  return path;
}
const urlOf = (path: string) => pathToFileURL(path).href;

blobsContract("blobs in a directory", async () => openFileBlobs(urlOf(await directory())));

describe("a directory", () => {
  it("has whole files and nothing else, one folder a run", async () => {
    const path = await directory();
    const blobs = await openFileBlobs(urlOf(path));
    await Promise.all([1, 2, 3].map((n) => blobs.put(`${RUN}/a.${n}`, Buffer.alloc(100_000, n))));
    expect((await readdir(path)).sort()).toEqual([".jobbers-blobs", RUN]);
    expect((await readdir(join(path, RUN))).sort()).toEqual(["a.1", "a.2", "a.3"]);
    await blobs.deleteAll(RUN);
    expect(await readdir(path)).toEqual([".jobbers-blobs"]);
  });

  it("that is not there, or not mounted, may come back; nothing is made in its place", async () => {
    const path = join(await directory(), "share");
    const blobs = await openFileBlobs(urlOf(path));
    const what = { message: expect.stringContaining("make the directory, or mount the share") };
    await expect(blobs.put(`${RUN}/a.x`, Buffer.from("1"))).rejects.toMatchObject({
      code: "blob-unwritable",
      ...what,
    });
    await expect(blobs.get(`${RUN}/a.x`)).rejects.toMatchObject({ code: "blob-unreachable", ...what });
    await expect(blobs.deleteAll(RUN)).rejects.toMatchObject({ code: "blob-unreachable", ...what });
    // A mount point below which nothing is mounted is an empty directory.
    await mkdir(path);
    await expect(blobs.get(`${RUN}/a.x`)).rejects.toMatchObject({ code: "blob-unreachable", ...what });
    expect(await readdir(path)).toEqual([]);
  });

  it("says which fault of the file system it is", async () => {
    const path = await directory();
    const blobs = await openFileBlobs(`${urlOf(path)}/`);
    expect(blobs.url).toBe(urlOf(path));
    await (await open(join(path, RUN), "w")).close();
    await expect(blobs.put(`${RUN}/a.x`, Buffer.from("1"))).rejects.toMatchObject({
      code: "blob-unwritable",
      message: `${urlOf(path)} is no directory (ENOTDIR)`,
    });
    const full = await open("/dev/full", "w");
    const error = await full.writeFile("1").catch((thrown: unknown) => thrown);
    await full.close();
    expect(faultOf(error, "file:///mnt/jobs", "blob-unwritable")).toMatchObject({
      code: "blob-unwritable",
      message: "file:///mnt/jobs has no room left (ENOSPC)",
    });
  });

  it.each(["file:", "file:///", "file:jobs", "file://host/jobs", "file:///a?b=c", "file:///a#b", "nothing"])(
    "is refused by the URL %j",
    async (url) => {
      await expect(openFileBlobs(url)).rejects.toMatchObject({ code: "flag-invalid" });
    },
  );
});
