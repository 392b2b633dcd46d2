import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JobbersError, parseJson } from "../src/index.js";

/** A value as it is written: objects as a list of their pairs, so that a key may come twice. */
type Written = null | boolean | number | string | { list: Written[] } | { pairs: [Key, Written][] };

/** A key, and how it is written: which of its characters are escaped. */
interface Key {
  readonly key: string;
  readonly escaped: readonly boolean[];
}

const keys: fc.Arbitrary<Key> = fc.record({
  // Few keys, among them some that look like structure.
  key: fc.constantFrom("a", "b", "", '"', "\\", "{", "a,b", "é", "__proto_", "\ud83d\ude00", 'a":1,"b'),
  escaped: fc.array(fc.boolean(), { maxLength: 4 }),
});

const { value: values } = fc.letrec<{ value: Written; list: Written; object: Written }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(fc.constantFrom(null, true, 1, -2.5e3), fc.constantFrom("a", '{"a":1,"a":2}', "]", '\\"')),
    tie("object"),
    tie("list"),
  ),
  list: fc.record({ list: fc.array(tie("value"), { maxLength: 4 }) }),
  object: fc.record({ pairs: fc.array(fc.tuple(keys, tie("value")), { maxLength: 12 }) }),
}));

const spaces = fc.constantFrom("", " ", "\n\t");

const written = ({ key, escaped }: Key): string => {
  const units = Array.from({ length: key.length }, (_, i) => {
    const hex = `\\u${key.charCodeAt(i).toString(16).padStart(4, "0")}`;
    return escaped[i] ? hex : key.charAt(i);
  });
  return units.map((unit) => (unit.length > 1 ? unit : JSON.stringify(unit).slice(1, -1))).join("");
};

function textOf(value: Written, space: string): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const inner =
    "list" in value
      ? value.list.map((each) => textOf(each, space))
      : value.pairs.map(([key, each]) => `"${written(key)}"${space}:${space}${textOf(each, space)}`);
  const [start, end] = "list" in value ? ["[", "]"] : ["{", "}"];
  return `${space}${start}${space}${inner.join(`${space},${space}`)}${end}${space}`;
}

/** The oracle: whether any object has a key twice. */
function hasRepeated(value: Written): boolean {
  if (value === null || typeof value !== "object") return false;
  if ("list" in value) return value.list.some(hasRepeated);
  const names = value.pairs.map(([{ key }]) => key);
  return new Set(names).size < names.length || value.pairs.some(([, each]) => hasRepeated(each));
}

const refusal = (text: string): JobbersError | undefined => {
  try {
    parseJson(text, "body", { uniqueKeys: true });
    return undefined;
  } catch (error) {
    return error as JobbersError;
  }
};

describe("a repeated key", () => {
  it("is refused wherever it is, and nothing else is", () => {
    fc.assert(
      fc.property(values, spaces, (value, space) => {
        const text = textOf(value, space);
        const error = refusal(text);
        if (!hasRepeated(value)) return error === undefined;
        return error?.code === "not-json" && / has the key .* twice /.test(error.message);
      }),
      { numRuns: 3_000 },
    );
  });

  it("is named, with its place", () => {
    const error = refusal('{"list":[0,{"a":{"b":1}},{"k":1,"\\u006b":2}]}');
    expect(error?.message).toBe(
      'body.list[2] has the key "k" twice (at character 33); leave one of them out',
    );
    expect(error?.detail).toEqual({ path: ["list", 2] });
    expect(refusal('{"a":1,"a":1}')?.message).toMatch(/^body has the key "a" twice \(at character 8\)/);
    const many = Array.from({ length: 50 }, (_, i) => `"k${i}":${i}`);
    expect(refusal(`{${many.join()}}`)).toBeUndefined();
    expect(refusal(`{${many.join()},"k49":0}`)?.message).toContain('the key "k49" twice');
  });

  it("has its last value where nobody asks", () => {
    expect(parseJson('{"a":1,"a":2}', "body")).toEqual({ a: 2 });
    expect(parseJson('{"a":1,"a":2}', "body", { uniqueKeys: false })).toEqual({ a: 2 });
  });

  it("is looked for in time that grows with the text alone", () => {
    const seconds = (text: string) => {
      const from = performance.now();
      expect(refusal(text)).toBeUndefined();
      return (performance.now() - from) / 1_000;
    };
    const MIB = 1024 * 1024;
    const keysOf = (n: number) => Array.from({ length: n }, (_, i) => `"${i}":0`).join();
    const texts = [
      `{${keysOf(100_000)}}`,
      `[${"{},".repeat(MIB / 3)}{}]`,
      `[${'{"a":0},'.repeat(MIB / 8)}{}]`,
      `{"${"\\\\".repeat(MIB / 2)}":0}`,
      `{"${'\\"'.repeat(MIB / 2)}":0}`,
    ];
    // Linear is some ten milliseconds; quadratic would be hours.
    for (const text of texts) expect(seconds(text)).toBeLessThan(5);
  });
});
