import { describe, expect, it } from "vitest";
import { defineCommand } from "../src/cli/command.js";
import { moment, nameList, oneOf, parseFlags, wholeNumber } from "../src/cli/flags.js";

const command = defineCommand({
  name: "fry",
  description: "Fries",
  args: {
    name: { type: "positional", description: "", required: true },
    files: { type: "positional", description: "", required: true },
    store: { type: "string", valueHint: "URL", description: "" },
    wait: { type: "boolean", description: "" },
  },
  examples: [],
  run: async () => 0,
});

const parse = (...argv: string[]) => parseFlags(command, argv);

describe("command lines", () => {
  it("take flags before, between and behind the arguments", () => {
    const { args, positionals } = parse(
      "--wait",
      "egg",
      "--store",
      "memory:",
      "a.ts",
      "b.ts",
      "--",
      "--c.ts",
    );
    expect(positionals).toEqual(["egg", "a.ts", "b.ts", "--c.ts"]);
    expect(args).toMatchObject({ name: "egg", wait: true, store: "memory:" });
    expect(parse("egg", "a.ts", "--store=-odd").args.store).toBe("-odd");
  });

  it.each([
    [["egg", "a.ts", "--sotre", "x"], "there is no flag --sotre; there are --store, --wait"],
    [["egg", "a.ts", "-x"], "there is no flag -x"],
    [["egg", "a.ts", "--no-wait"], "there is no flag --no-wait"],
    [["egg", "a.ts", "--name=x"], "there is no flag --name"],
    [["egg", "a.ts", "--constructor"], "there is no flag --constructor"],
    [["egg", "a.ts", "--store"], "--store needs a value, as in --store=URL"],
    [["egg", "a.ts", "--store", "--wait"], "--store needs a value"],
    [["egg", "a.ts", "--wait=yes"], '--wait takes no value, but was given "yes"'],
    [["egg"], "FILES is missing; the order is NAME FILES…"],
    [[], "NAME is missing"],
  ])("%j is refused", (argv, message) => {
    expect(() => parse(...argv)).toThrow(message);
    expect(() => parse(...argv)).toThrow(expect.objectContaining({ code: "flag-invalid" }));
  });

  it("values have to have their form", () => {
    expect(wholeNumber("12", "--limit")).toBe(12);
    for (const value of ["", "0", "-1", "1.5", "1e3", "x", "100001", " 1"]) {
      expect(() => wholeNumber(value, "--limit")).toThrow(
        /--limit is .*it takes a whole number from 1 to 100000/,
      );
    }
    expect(nameList("a, b", "--queues")).toEqual(["a", "b"]);
    expect(() => nameList("a,,b", "--queues")).toThrow(expect.objectContaining({ code: "flag-invalid" }));
    expect(oneOf("a", "--x", ["a", "b"])).toBe("a");
    expect(moment("2028-02-29", "--after")).toBe(Date.UTC(2028, 1, 29));
    expect(moment("2026-11-21T16:00:00+01:00", "--after")).toBe(Date.UTC(2026, 10, 21, 15));
    for (const value of [
      "2026-02-30",
      "2027-02-29",
      "2026-04-31T10:00Z",
      "2026-13-01",
      "2026-11-21T16:00",
      "x",
    ])
      expect(() => moment(value, "--after")).toThrow(`--after is "${value}"; it takes a moment`);
    expect(() => oneOf("c", "--x", ["a", "b"])).toThrow('--x is "c"; it takes a, b');
  });
});
