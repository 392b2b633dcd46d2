import fc from "fast-check";
import { expect, test } from "vitest";
import { PROGRESS_BYTES, type Progress, packProgress, readProgress, showProgress } from "../src/index.js";

const times = { sinceMs: 1, heardAtMs: 2 };
const again = (progress: Progress) => readProgress(packProgress(progress), times);

test("progress comes back as it was said", () => {
  const progress = { at: 'page "3"\u0000é', done: 3, total: 10, detail: { url: "x", list: [1, null] } };
  expect(again(progress)).toEqual({ ...progress, ...times });
  expect(again({})).toEqual(times);
  expect(readProgress({ rest: "" }, times)).toEqual(times);
});

test("progress is shown in words", () => {
  const shown = (progress: Progress) => showProgress(again(progress), (ms) => `12:03:1${ms}`);
  expect(shown({ at: "parsing", done: 340, total: 1_000 })).toBe('at "parsing" since 12:03:11, 340 of 1000');
  expect(shown({ total: 7 })).toBe("0 of 7");
  expect(shown({ at: "x", done: 3 })).toBe('at "x" since 12:03:11, 3');
  expect(shown({})).toBe("");
});

test("what is too long loses its detail first, then the end of what it is at, and says so", () => {
  expect(again({ at: "here", done: 1, detail: "x".repeat(2_000) })).toEqual({
    ...{ at: "here", done: 1, cut: true },
    ...times,
  });
  const cut = again({ at: "\u0001".repeat(5_000), done: 1, total: 2 });
  expect(cut).toMatchObject({ done: 1, total: 2, cut: true });
  expect(cut.at).toBe(`${"\u0001".repeat(149)}…`);
  // Half of a pair is no character.
  expect(again({ at: `${"x".repeat(148)}${"😀".repeat(600)}` }).at).toBe(`${"x".repeat(148)}\ufffd…`);
});

test("what is no progress is left out, and throws nothing", () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  expect(again({ at: "here", detail: cycle })).toEqual({ at: "here", cut: true, ...times });
  expect(again({ at: "here", detail: 1n })).toEqual({ at: "here", cut: true, ...times });
  expect(again({ at: "here", detail: () => {} })).toEqual({ at: "here", cut: true, ...times });
  const odd = { at: 7, done: Number.NaN, total: "9" } as unknown as Progress;
  expect(again(odd)).toEqual(times);
  const mean = Object.defineProperty({}, "at", {
    get() {
      throw new Error("no");
    },
  });
  expect(again(mean as Progress)).toEqual({ cut: true, ...times });
});

test("nothing that is said takes more room than there is", () => {
  const said = fc.record(
    {
      at: fc.string({ unit: "binary", maxLength: 1_200 }),
      done: fc.double(),
      total: fc.double(),
      detail: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(said, (progress) => {
      const { at, rest } = packProgress(progress);
      const bytes = Buffer.byteLength(rest) + (at === undefined ? 0 : Buffer.byteLength(JSON.stringify(at)));
      expect(bytes).toBeLessThanOrEqual(PROGRESS_BYTES);
    }),
  );
});
