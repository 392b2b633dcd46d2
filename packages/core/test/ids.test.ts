import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkName,
  checkRunId,
  createRunIds,
  isRunId,
  quoted,
  runIdTimeMs,
  sha256Hex,
} from "../src/index.js";

const good = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

describe("run ids", () => {
  it("are canonical ULIDs", () => {
    expect(checkRunId(good)).toBe(good);
    expect(isRunId("7ZZZZZZZZZZZZZZZZZZZZZZZZZ")).toBe(true);
    for (const text of [
      good.toLowerCase(),
      `8${good.slice(1)}`,
      good.slice(1),
      `${good}A`,
      `${good}\n`,
      "",
      null,
      1,
    ]) {
      expect(isRunId(text)).toBe(false);
    }
  });

  it.each<[unknown, string]>([
    [
      good.toLowerCase(),
      `the run id "${good.toLowerCase()}" is not a ULID: it has lower-case letters; write ${good}`,
    ],
    [`8${good.slice(1)}`, "its first character must be 0 to 7, later times do not exist"],
    [good.slice(1), "it has 25 characters instead of 26"],
    [good.replace("Z", "U"), '"U" at position 5 is not one of 0-9 and A-Z without I, L, O, U'],
    [`${good.slice(0, 25)}!`, '"!" at position 26'],
    // Upper-casing makes two characters of it, and what is not ASCII must not slip through.
    [`${good.slice(0, 25)}ß`, '"ß" at position 26'],
    ["x".repeat(1_000_000), "it has 1000000 characters instead of 26"],
    [undefined, "it is not text"],
  ])("%o is refused with the reason", (text, reason) => {
    expect(() => checkRunId(text)).toThrow(expect.objectContaining({ code: "id-invalid" }));
    expect(() => checkRunId(text)).toThrow(reason);
  });

  it("hold the time", () => {
    expect(runIdTimeMs(createRunIds(() => 1_700_000_000_123)())).toBe(1_700_000_000_123);
    expect(() => runIdTimeMs("nonsense")).toThrow(expect.objectContaining({ code: "id-invalid" }));
  });

  it("grow by thousands in a millisecond", () => {
    const next = createRunIds(() => 1_700_000_000_123);
    const ids = Array.from({ length: 3_000 }, next);
    expect(ids.every(isRunId)).toBe(true);
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(new Set(ids.map(runIdTimeMs))).toEqual(new Set([1_700_000_000_123]));
  });

  it("grow whatever the clock does, and read no clock of their own", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 2 ** 48 - 1, noNaN: true }), { minLength: 2, maxLength: 50 }),
        (times) => {
          let at = 0;
          const next = createRunIds(() => times[at++] as number);
          const ids = times.map(() => next());
          expect(ids.every(isRunId)).toBe(true);
          expect(ids).toEqual([...new Set(ids)].sort());
          expect(runIdTimeMs(ids.at(-1) as string)).toBe(Math.max(1, ...times.map(Math.floor)));
        },
      ),
    );
  });
});

describe("names", () => {
  it.each(["a", "fetch-page", "A.b_c-9", "x".repeat(128), "constructor"])("takes %s", (name) =>
    expect(checkName(name, "n")).toBe(name),
  );

  it.each(["", "__proto__", "a b", "a/b", "a~2", "a[]", "ä", "a\n", "x".repeat(129), null, 5])(
    "refuses %o",
    (name) => {
      expect(() => checkName(name, "task name")).toThrow(expect.objectContaining({ code: "name-invalid" }));
    },
  );

  it("keeps the message short whatever the name", () => {
    let message = "";
    try {
      checkName("x".repeat(10_000), "task name");
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/^task name "x+"… \(10000 characters\) is not 1 to 128 of/);
    expect(message.length).toBeLessThan(200);
  });
});

describe("quoted", () => {
  it("is short and on one line, whatever it is given", () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withNullPrototype: true }), (value) => {
        expect(quoted(value)).toMatch(/^.{1,500}$/);
      }),
    );
    expect(quoted("a\n\u001b[31m")).toBe('"a\\n\\u001b[31m"');
  });
});

describe("sha256Hex", () => {
  it("hashes the UTF-8 bytes", () => {
    expect(sha256Hex("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(sha256Hex("é")).toBe("4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c");
  });
});
