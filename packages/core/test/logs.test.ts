import { LOG_LINE_BYTES, packLine } from "@jobbers/core";
import { describe, expect, it } from "vitest";

const bytes = (text: string) => Buffer.byteLength(text);

describe("packLine", () => {
  it("keeps message and fields", () => {
    expect(packLine("fetched", { pages: 3 })).toBe('{"m":"fetched","f":{"pages":3}}');
    expect(packLine("plain")).toBe('{"m":"plain"}');
  });

  it("leaves fields out that are too long or no JSON, and says so", () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const thrower = {
      toJSON: () => Math.max(Number(undefined), thrower.boom()),
      boom: (): number => {
        throw new Error("no");
      },
    };
    for (const fields of [{ long: "x".repeat(LOG_LINE_BYTES) }, circular, { n: 1n }, { thrower }])
      expect(packLine("short", fields)).toBe('{"m":"short","cut":true}');
  });

  it("cuts a long message within its bytes, and splits no character", () => {
    for (const letter of ["x", "é", "😀", "\u0000", '"', "\ud800"]) {
      for (const length of [LOG_LINE_BYTES / 2, LOG_LINE_BYTES, 100_000]) {
        const text = packLine(letter.repeat(length), { a: 1 });
        expect(bytes(text)).toBeLessThanOrEqual(LOG_LINE_BYTES);
        const { m, cut } = JSON.parse(text) as { m: string; cut?: true };
        if (cut && m.endsWith("…")) expect(m.length).toBeGreaterThan(500);
        expect((m as string & { isWellFormed(): boolean }).isWellFormed()).toBe(true);
      }
    }
  });

  it("takes what is no text", () => {
    expect(packLine(undefined as unknown as string)).toBe('{"m":"undefined"}');
    expect(packLine(Symbol("s") as unknown as string)).toBe('{"m":"Symbol(s)"}');
    expect(packLine(Object.create(null) as string)).toBe('{"m":"(a message that is no text)"}');
  });
});
