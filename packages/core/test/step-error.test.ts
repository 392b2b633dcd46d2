import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeJson, errorShape, type JsonValue, type StepError } from "../src/index.js";

const bytes = (shape: StepError) => Buffer.byteLength(JSON.stringify(shape));
const depth = ({ cause, errors = [] }: StepError): number =>
  1 + Math.max(0, ...[...(cause ? [cause] : []), ...errors].map(depth));

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
        get errors() {
          return bomb();
        },
      }),
    ).toEqual({
      name: "Error",
      message: "m",
    });
  });

  it("stays within 8 KiB, also where a character takes six bytes", () => {
    const huge = "\u0000".repeat(50_000_000);
    let chain: Error = new Error(huge);
    for (let i = 0; i < 6; i++) chain = new Error(huge, { cause: chain });
    expect(bytes(errorShape(chain))).toBeLessThanOrEqual(8 * 1024);
    expect(bytes(errorShape(huge))).toBeLessThanOrEqual(8 * 1024);
    const wide: Error = Object.assign(new Error(huge), { errors: Array(1_000_000).fill(chain) });
    expect(bytes(errorShape(wide))).toBeLessThanOrEqual(8 * 1024);
    const tree = (deep: number): Error =>
      new AggregateError(
        deep > 0 ? Array.from({ length: 9 }, () => tree(deep - 1)) : [],
        huge.slice(0, 9_000),
      );
    expect(bytes(errorShape(tree(4)))).toBeLessThanOrEqual(8 * 1024);
  });

  it("keeps 4 KiB of a message, whatever its characters take", () => {
    for (const character of ["e", "é", "€", "\u{1f600}"]) {
      const { message } = errorShape(character.repeat(100_000));
      expect(Buffer.byteLength(message)).toBeLessThanOrEqual(4096);
      expect(Buffer.byteLength(message)).toBeGreaterThan(4080);
      expect(message).toMatch(/…$/);
    }
  });

  it("cuts a stack in the middle, and tells a long message once", () => {
    const frames = Array.from({ length: 1000 }, (_, n) => `    at frame${n} (file.ts:${n}:1)`);
    const error = new Error("m".repeat(3000));
    error.stack = `Error: ${error.message}\n${frames.join("\n")}`;
    const { message, stack = "" } = errorShape(error);
    expect(message).toBe(error.message);
    expect(stack).toMatch(/^Error: m{199}…\n {4}at frame0 /);
    expect(stack).toMatch(/\n {4}… cut …\n[\s\S]+at frame999 \(file\.ts:999:1\)$/);
    expect(stack.length).toBeGreaterThan(2000);
  });

  it("keeps the errors of an AggregateError, beside its cause", () => {
    const list = Array.from({ length: 12 }, (_, n) => new RangeError(`no ${n}`));
    const { errors, cause } = errorShape(new AggregateError(list, "all", { cause: "why" }));
    expect(cause).toEqual({ name: "Thrown", message: "why" });
    expect(errors?.map(({ name, message }) => `${name} ${message}`)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7].map((n) => `RangeError no ${n}`),
    );
    const nested = new AggregateError([new AggregateError(["deep"], "in"), null], "out");
    expect(errorShape(nested)).toMatchObject({
      message: "out",
      errors: [
        { message: "in", errors: [{ name: "Thrown", message: "deep" }] },
        { name: "Thrown", message: "null" },
      ],
    });
    const round = new AggregateError([], "round");
    round.errors.push(round, "x");
    expect(errorShape(round).errors).toEqual([{ name: "Thrown", message: "x" }]);
  });

  it("keeps nothing else that hangs on an error", () => {
    const error = Object.assign(new Error("refused"), {
      config: { headers: { authorization: "Bearer hunter2" } },
      response: "hunter2",
      toJSON: () => "hunter2",
      name: { text: "hunter2" },
      errors: "hunter2",
    });
    expect(JSON.stringify(errorShape(error))).not.toContain("hunter2");
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
            Object.assign(new Error(message), { cause: message, errors: thrown }),
            Object.assign(new Error(message), { errors: [thrown, new Error(message)] }),
            { message: thrown, name: thrown },
          ]) {
            const shape = errorShape(each);
            expect(bytes(shape)).toBeLessThanOrEqual(8 * 1024);
            expect(depth(shape)).toBeLessThanOrEqual(5);
            encodeJson(shape, "error");
          }
        },
      ),
    );
  });
});
