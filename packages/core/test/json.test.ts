import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalJson,
  checkJson,
  encodeJson,
  encodeWhole,
  JobbersError,
  type JsonValue,
  parseJson,
} from "../src/index.js";

function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(JobbersError);
    return (error as JobbersError).message;
  }
  throw new Error("nothing was thrown");
}

function nested(depth: number, leaf: unknown = 1): unknown {
  let value = leaf;
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
  return value;
}

const wellFormed = fc.string({ unit: "grapheme" });
const json = (fc.jsonValue({ maxDepth: 5, stringUnit: "grapheme" }) as fc.Arbitrary<JsonValue>).filter(
  (value) => !JSON.stringify(value).includes("__proto__"),
);

class Point {
  x = 1;
}

describe("checkJson", () => {
  it.each([
    ["undefined", undefined, "input is undefined"],
    ["undefined in a list", { a: [1, undefined] }, "input.a[1] is undefined"],
    ["a hole", { a: Object.assign([1], { 2: 2 }) }, "input.a[1] is undefined"],
    ["NaN", [Number.NaN], "input[0] is NaN"],
    ["Infinity", { n: -Infinity }, "input.n is -Infinity"],
    ["a BigInt", { n: 1n }, "input.n is a BigInt; write it as text"],
    ["a function", { "a b": () => 1 }, 'input["a b"] is a function'],
    ["a symbol", [Symbol("s")], "input[0] is a symbol"],
    ["a symbol key", { a: { [Symbol("s")]: 1 } }, "input.a has a symbol as a key"],
    ["a Date", { list: [0, 0, 0, { when: new Date(0) }] }, "input.list[3].when is a Date"],
    ["a Map", new Map(), "input is a Map"],
    ["an instance", { p: new Point() }, "input.p is a Point"],
    ["an instance without a name", { p: Object.create({ x: 1 }) }, "input.p is an Object"],
    ["a boxed text", Object("a"), "input is a String"],
    ["a typed array", new Uint8Array(2), "input is an Uint8Array"],
    ["a kind of list", [new (class Row extends Array {})()], "input[0] is a Row"],
    [
      "a list with a property",
      { m: "ab".match(/(a)b/) },
      'input.m is a list with a property of its own, "groups"',
    ],
    ["toJSON", { a: { toJSON: () => 1 } }, "input.a has a toJSON method"],
    ["a hidden toJSON", Object.defineProperty({}, "toJSON", { value: () => 1 }), "input has a toJSON method"],
    ["__proto__", { a: JSON.parse('{"__proto__":{"x":1}}') }, 'input.a has a key "__proto__"'],
    ["half a pair", ["a\ud83d"], "input[0] holds half of a surrogate pair, which is no character"],
    [
      "half a pair as a key",
      { "\udc00": 1 },
      "input has a key that holds half of a surrogate pair, which is no character",
    ],
  ])("refuses %s", (_, value, message) => {
    expect(messageOf(() => checkJson(value, "input"))).toBe(message);
    expect(messageOf(() => encodeJson(value, "input"))).toBe(message);
  });

  it("names the path for programs too", () => {
    expect(() => checkJson({ a: [1n] }, "input")).toThrow(
      expect.objectContaining({ code: "not-json", detail: { path: ["a", 0] } }),
    );
  });

  it("finds cycles and says where they close", () => {
    const value: { a: { b: unknown[] } } = { a: { b: [1] } };
    value.a.b.push(value.a);
    expect(messageOf(() => checkJson(value, "input"))).toBe(
      "input.a.b[1] is a cycle: it leads back to input.a",
    );
    const self: unknown[] = [];
    self.push(self, self);
    expect(messageOf(() => checkJson(self, "input"))).toBe("input[0] is a cycle: it leads back to input");
  });

  it("takes the same object twice where that is no cycle", () => {
    const shared = { a: 1 };
    expect(checkJson([shared, { shared }], "input")).toEqual([{ a: 1 }, { shared: { a: 1 } }]);
  });

  it("takes 64 levels and refuses 65, 5,000 and a million alike", () => {
    expect(checkJson(nested(64), "input")).toBeDefined();
    for (const depth of [65, 5000, 1_000_000]) {
      const message = messageOf(() => encodeJson(nested(depth), "input"));
      expect(message).toMatch(/^input.+ is nested deeper than 64 levels$/);
      expect(message.length).toBeLessThan(200);
    }
  });

  it("does not unfold shared parts without end", () => {
    let value: unknown = [1];
    for (let i = 0; i < 40; i++) value = [value, value];
    expect(() => checkJson(value, "input")).toThrow(expect.objectContaining({ code: "value-too-large" }));
  });

  it("tidies undefined properties and minus zero in a copy, and copies nothing else", () => {
    const tidy = checkJson({ a: undefined, b: [-0] }, "input") as { b: number[] };
    expect(Object.keys(tidy)).toEqual(["b"]);
    expect(Object.is(tidy.b[0], 0)).toBe(true);
    const plain = { a: [1, { b: null }] };
    expect(checkJson(plain, "input")).toBe(plain);
  });

  it("takes objects of other realms and without a prototype", () => {
    expect(encodeJson(runInNewContext("({ a: [1, {}] })"), "input")).toBe('{"a":[1,{}]}');
    expect(encodeJson(Object.assign(Object.create(null), { a: 1 }), "input")).toBe('{"a":1}');
    expect(messageOf(() => checkJson(runInNewContext("new Date(0)"), "input"))).toBe("input is a Date");
  });

  it("survives getters and Proxies that throw", () => {
    const getter = {
      get a(): number {
        throw new Error("bang");
      },
    };
    expect(messageOf(() => checkJson(getter, "input"))).toContain("threw while it was read");
  });

  it("accepts only what JSON gives back unchanged", () => {
    fc.assert(
      fc.property(
        fc.anything({ withDate: true, withMap: true, withBigInt: true, withSparseArray: true }),
        (value) => {
          let checked: JsonValue;
          try {
            checked = checkJson(value, "input");
          } catch (error) {
            expect(error).toBeInstanceOf(JobbersError);
            return;
          }
          expect(JSON.parse(JSON.stringify(checked))).toStrictEqual(plainPrototypes(checked));
          expect(JSON.parse(encodeJson(value, "input"))).toStrictEqual(plainPrototypes(checked));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("accepts all that JSON can say", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(parseJson(encodeJson(value, "a"), "b")).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("encodeWhole", () => {
  it("is the check, the text and the canonical text in one", () => {
    const values = fc.oneof(json, fc.object({ maxDepth: 3, withNullPrototype: true }));
    fc.assert(
      fc.property(values, (value) => {
        let checked: JsonValue;
        try {
          checked = checkJson(value, "input");
        } catch (error) {
          expect(messageOf(() => encodeWhole(value, "input"))).toBe((error as Error).message);
          return;
        }
        const whole = encodeWhole(value, "input");
        expect(whole.value).toEqual(checked);
        expect(whole.text).toBe(encodeJson(value, "input"));
        expect(whole.canonical).toBe(canonicalJson(checked));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    [{ b: 1, a: 2 }, '{"b":1,"a":2}', '{"a":2,"b":1}'],
    [{ "9": 1, "10": 2 }, '{"9":1,"10":2}', '{"10":2,"9":1}'],
    [{ a: [{ z: -0, y: undefined, b: 1 }] }, '{"a":[{"z":0,"b":1}]}', '{"a":[{"b":1,"z":0}]}'],
  ])("writes %o twice where keys are not in order", (value, text, canonical) => {
    expect(encodeWhole(value, "input")).toEqual({ value: JSON.parse(text), text, canonical });
  });
});

/** JSON gives ordinary objects back for those without a prototype; that is no loss. */
function plainPrototypes(value: JsonValue): unknown {
  if (Array.isArray(value)) return value.map(plainPrototypes);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plainPrototypes(part)]));
}

describe("parseJson", () => {
  it.each([
    ["no JSON", "{", /^--input is not JSON: /],
    ["nothing", "", /^--input is not JSON: /],
    ["65 levels", "[".repeat(65), "--input is nested deeper than 64 levels (at character 65)"],
    ["a million levels", "[".repeat(1_000_000), "--input is nested deeper than 64 levels (at character 65)"],
    ["__proto__", '{"a":{"__proto__":{}}}', '--input.a has a key "__proto__"'],
    ["__proto__ in disguise", '{"\\u005f_proto__":1}', '--input has a key "__proto__"'],
    ["half a pair", '"\\ud800"', /half of a surrogate pair/],
    ["a number beyond all", "[1e999]", "--input[0] is Infinity"],
    [
      "a whole number that JavaScript rounds",
      '{"id":9007199254740993}',
      /^--input holds a whole number that would be rounded \(at character 7\)/,
    ],
    ["a million digits", "9".repeat(1_000_000), "--input is Infinity"],
  ])("refuses %s", (_, text, message) => {
    expect(messageOf(() => parseJson(text, "--input"))).toMatch(message);
  });

  it.each([
    ["64 levels", `${"[".repeat(64)}${"]".repeat(64)}`],
    ["brackets in text", JSON.stringify("[{".repeat(100))],
    ["quotes and backslashes in text", JSON.stringify(['\\"[', `${"\\".repeat(99)}"`, "[".repeat(99)])],
    ["text that ends with a backslash", JSON.stringify(["\\", "[".repeat(99)])],
    ["many lists side by side", `[${"[],{},".repeat(100)}[]]`],
    ["2^53+1 in text", '"9007199254740993"'],
    [
      "large numbers that are exact",
      "[9007199254740992,9007199254740994,-9007199254740992,100000000000000000000]",
    ],
    ["fractions and exponents", "[0.1000000000000000055511,1.7976931348623157e+308,-1E-7]"],
  ])("takes %s", (_, text) => {
    expect(parseJson(text, "x")).toEqual(JSON.parse(text));
  });

  it("lets the last of repeated keys count, and makes -0 a 0", () => {
    expect(parseJson('{"a":1,"a":2}', "x")).toEqual({ a: 2 });
    expect(Object.is(parseJson("-0", "x"), 0)).toBe(true);
  });

  it("reads back every number that JSON writes", () => {
    const numbers = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.maxSafeInteger(),
      fc.integer({ min: 0, max: 300 }).map((n) => 10 ** n),
    );
    fc.assert(
      fc.property(numbers, (n) => {
        expect(parseJson(JSON.stringify(n), "x")).toBe(n === 0 ? 0 : n);
      }),
    );
  });
});

describe("canonicalJson", () => {
  it("sorts keys by code unit, on all levels", () => {
    expect(canonicalJson({ b: 1, a: [{ é: 1, z: 2, Z: 3 }], "10": 1, "9": 2 })).toBe(
      '{"10":1,"9":2,"a":[{"Z":3,"z":2,"é":1}],"b":1}',
    );
  });

  it("is the same for shuffled keys, and says the same", () => {
    const shuffled = json.chain((value) => fc.tuple(fc.constant(value), fc.infiniteStream(fc.nat())));
    fc.assert(
      fc.property(shuffled, ([value, order]) => {
        const text = canonicalJson(value);
        expect(canonicalJson(shuffle(value, order))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("leaves undefined properties out, and refuses what has no text", () => {
    const loose = { a: undefined, b: 1 } as unknown as JsonValue;
    expect(canonicalJson(loose)).toBe('{"b":1}');
    for (const value of [undefined, [undefined], Number.NaN, 1n, () => 1]) {
      expect(() => canonicalJson(value as JsonValue)).toThrow(JobbersError);
    }
    expect(() => canonicalJson(nested(1_000_000) as JsonValue)).toThrow("nested deeper than 1000");
  });

  it("takes any text as a key", () => {
    fc.assert(
      fc.property(fc.dictionary(wellFormed, fc.integer()), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
      }),
    );
  });
});

function shuffle(value: JsonValue, order: Iterator<number>): JsonValue {
  if (Array.isArray(value)) return value.map((item) => shuffle(item, order));
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).map(
    ([key, part]) => [order.next().value as number, key, part] as const,
  );
  return Object.fromEntries(
    entries.sort((a, b) => a[0] - b[0]).map(([, key, part]) => [key, shuffle(part, order)]),
  );
}
