import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeJson, errorShape, type JsonValue, type StepError } from "../src/index.js";

const bytes = (shape: StepError) => Buffer.byteLength(JSON.stringify(shape));
const depth = (shape: StepError): number => 1 + (shape.cause ? depth(shape.cause) : 0);

/** Texts of any code units, halves of surrogate pairs included. */
const halves = fc.string({
  unit: fc.integer({ min: 0xd700, max: 0xe0ff }).map((code) => String.fromCharCode(code)),
});

describe("errorShape", () => {
  it("keeps name, message, stack and causes", () => {
    const error = new TypeError("no", { cause: new RangeError("why", { cause: "because" }) });
    expect(errorShape(error)).toEqual({
      name: "TypeError",
      message: "no",
      stack: error.stack,
      cause: {
        name: "RangeError",
        message: "why",
        stack: (error.cause as Error).stack,
        cause: { name: "Thrown", message: "because" },
      },
    });
    const value: JsonValue = errorShape(error);
    expect(value).toBeTypeOf("object");
  });

  it.each([
    [null, "null"],
    [undefined, "undefined"],
    ["boom", "boom"],
    ["", ""],
    [42, "42"],
    [1n, "1n"],
    [Symbol("s"), "Symbol(s)"],
    [() => 1, "a function"],
    [{}, "[object Object]"],
    [{ code: 7, why: "x" }, '{ code: 7, why: "x" }'],
    [[1, "a"], 'a list of 2: 0: 1, 1: "a"'],
    [Promise.resolve(), "[object Promise]"],
    [Object.create(null), "[object Object]"],
  ])("shows %o", (thrown, message) => {
    expect(errorShape(thrown)).toEqual({ name: "Thrown", message });
  });

  it("takes what looks like an error for one", () => {
    expect(errorShape({ name: "Odd", message: "m", stack: 5, cause: undefined })).toEqual({
      name: "Odd",
      message: "m",
    });
    expect(errorShape(new DOMException("gone", "AbortError"))).toMatchObject({
      name: "AbortError",
      message: "gone",
    });
    expect(errorShape(new AggregateError([new Error("first")], "all")).cause?.message).toBe("first");
  });

  it("ends where causes close a cycle, and after five", () => {
    const a = new Error("a");
    const b = new Error("b", { cause: a });
    a.cause = b;
    expect(depth(errorShape(a))).toBe(2);
    let chain = new Error("end");
    for (let i = 0; i < 100_000; i++) chain = new Error("link", { cause: chain });
    expect(depth(errorShape(chain))).toBe(5);
  });

  it("stands whatever throws when it is read", () => {
    const bomb = () => {
      throw new Error("bang");
    };
    const getters = Object.defineProperties(
      {},
      { message: { get: bomb }, x: { get: bomb, enumerable: true } },
    );
    expect(errorShape(getters)).toEqual({ name: "Thrown", message: "an object that cannot be read" });
    const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, bomb]));
    expect(errorShape(new Proxy({}, traps)).name).toBe("Thrown");
    expect(errorShape(new Proxy(() => 1, traps)).name).toBe("Thrown");
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    expect(errorShape(revoked.proxy).message).toBe("an object that cannot be read");
    expect(
      errorShape({
        message: "m",
        get name() {
          return bomb();
        },
        get cause() {
          return bomb();
        },
      }),
    ).toEqual({
      name: "Error",
      message: "m",
    });
  });

  it("stays within 16 KiB, also where a character takes six bytes", () => {
    const huge = "\u0000".repeat(50_000_000);
    let chain: Error = new Error(huge);
    for (let i = 0; i < 6; i++) chain = new Error(huge, { cause: chain });
    expect(bytes(errorShape(chain))).toBeLessThanOrEqual(16 * 1024);
    expect(bytes(errorShape(huge))).toBeLessThanOrEqual(16 * 1024);
    expect(errorShape("é".repeat(100_000)).message.length).toBeGreaterThan(4000);
  });

  it("leaves no half of a surrogate pair where it cuts, or where one was", () => {
    expect(encodeJson(errorShape(`a${"\u{1f600}".repeat(5000)}`), "error")).toContain("…");
    expect(encodeJson(errorShape(`${"\u{1f600}".repeat(5000)}`), "error")).toContain("…");
    expect(errorShape(new Error("\ud83d")).message).toBe("\ufffd");
  });

  it("never throws, never grows, and is always JSON", () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withBigInt: true, withSparseArray: true }),
        halves,
        (thrown, message) => {
          for (const each of [
            thrown,
            Object.assign(new Error(message), { cause: thrown }),
            { message: thrown, name: thrown },
          ]) {
            const shape = errorShape(each);
            expect(bytes(shape)).toBeLessThanOrEqual(16 * 1024);
            expect(depth(shape)).toBeLessThanOrEqual(5);
            encodeJson(shape, "error");
          }
        },
      ),
    );
  });
});
