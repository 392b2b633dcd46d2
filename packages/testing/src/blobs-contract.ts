import { randomBytes } from "node:crypto";
import type { Blobs } from "@jobbers/core";
import { describe, expect, it } from "vitest";

const RUN = "01KADGN2Q7ZJ4M3V8XW5T9R6BC";
const OTHER = "01KADGN2Q7ZJ4M3V8XW5T9R6BD";

/**
 * Registers the tests that every place of large values has to pass, as a vitest suite.
 *
 * @param open opens an empty place
 * @example
 * blobsContract("a directory", () => openFileBlobs(pathToFileURL(directory).href));
 */
export function blobsContract(name: string, open: () => Promise<Blobs>): void {
  describe(name, () => {
    it("gives back what was put, byte by byte", async () => {
      const blobs = await open();
      const all = [
        new Uint8Array(0),
        randomBytes(1),
        randomBytes(3 * 1024 * 1024),
        Buffer.from('{"é":"😀"}'),
      ];
      for (const [i, bytes] of all.entries()) await blobs.put(`${RUN}/part-${i}.x`, bytes);
      for (const [i, bytes] of all.entries()) {
        const read = await blobs.get(`${RUN}/part-${i}.x`);
        expect(Buffer.compare(Buffer.from(read as Uint8Array), bytes)).toBe(0);
      }
      await blobs.close();
    });

    it("says of a blob that is not there that it is not, once something was put", async () => {
      const blobs = await open();
      await blobs.put(`${RUN}/a.x`, Buffer.from("1"));
      expect(await blobs.get(`${RUN}/b.x`)).toBeUndefined();
      expect(await blobs.get(`${OTHER}/a.x`)).toBeUndefined();
      await blobs.close();
    });

    it("takes a name again, and leaves nothing half written beside it", async () => {
      const blobs = await open();
      const bytes = randomBytes(100_000);
      await Promise.all(Array.from({ length: 5 }, () => blobs.put(`${RUN}/same.x`, bytes)));
      expect(Buffer.from((await blobs.get(`${RUN}/same.x`)) as Uint8Array).equals(bytes)).toBe(true);
      await blobs.close();
    });

    it("deletes all of a run, and only that, as often as it is asked to", async () => {
      const blobs = await open();
      const names = Array.from({ length: 25 }, (_, i) => `${RUN}/f_${i}_.x`);
      for (const each of [...names, `${OTHER}/a.x`]) await blobs.put(each, Buffer.from(each));
      await blobs.deleteAll(RUN);
      await blobs.deleteAll(RUN);
      for (const each of names) expect(await blobs.get(each)).toBeUndefined();
      expect(await blobs.get(`${OTHER}/a.x`)).toBeDefined();
      await blobs.deleteAll(OTHER);
      await blobs.close();
    });

    it.each(["", "a", "../a", "a/../b", "a/b/c", "/a/b", "a/.b", "a/b c", "a/é"])(
      "refuses the name %j",
      async (bad) => {
        const blobs = await open();
        await expect(blobs.put(bad, Buffer.from("1"))).rejects.toThrow();
        await expect(blobs.get(bad)).rejects.toThrow();
        if (bad !== "a") await expect(blobs.deleteAll(bad)).rejects.toThrow();
        await blobs.close();
      },
    );
  });
}
