import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { createBlock } from "../src/cli/block.js";
import { processOutput } from "../src/cli/output.js";
import { table } from "../src/cli/table.js";
import { callCli } from "./cli-here.js";
import { fixture, runCli } from "./cli-process.js";
import { attack } from "./fixtures/hostile.js";

/** What a terminal would obey, but for line breaks. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const obeyed = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;
const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "jobbers-clean-"));
});
afterAll(() => rmSync(cwd, { recursive: true, maxRetries: 20 }));
afterEach(() => void vi.restoreAllMocks());

describe("what a handler threw", () => {
  it("reaches neither standard output nor standard error as it is", async () => {
    const run = await runCli(["run", "hostile", fixture("hostile.ts"), "--id", ID], { cwd });
    expect(run.code).toBe(1);
    expect(run.stderr).toContain("run has succeeded\ufffd");
    const told = [run.stderr];
    for (const args of [
      ["show", ID],
      ["watch", ID],
    ]) {
      const { stdout, stderr } = await callCli(args, { cwd });
      told.push(stdout, stderr);
    }
    expect(told.join("\n")).toContain("run has succeeded");
    for (const text of told) expect(text).not.toMatch(obeyed);
  });

  it("is data to programs, which get all of it", async () => {
    const { stdout } = await runCli(["run", "echo", fixture("hostile.ts")], { cwd });
    expect(stdout).not.toMatch(obeyed);
    expect(JSON.parse(stdout)).toEqual({ [attack]: attack });
  });
});

describe("on a terminal", () => {
  /** What is written while both streams are terminals. */
  function written(write: (output: ReturnType<typeof processOutput>) => void): string {
    const texts: string[] = [];
    for (const stream of [process.stdout, process.stderr]) {
      const before = stream.isTTY;
      stream.isTTY = true;
      onTestFinished(() => {
        stream.isTTY = before;
      });
      vi.spyOn(stream, "write").mockImplementation((text) => Boolean(texts.push(String(text))));
    }
    write(processOutput(false));
    return texts.join("");
  }

  it("results and notes have no escapes in them", () => {
    const text = written((output) => {
      output.print(`a\n${attack}`);
      output.note(`b\tc ${attack}`);
    });
    expect(text).toContain("b\tc run");
    expect(text.replaceAll("\t", "")).not.toMatch(obeyed);
  });

  it("the live view has only its own", () => {
    const text = written(({ terminal }) => {
      if (!terminal) throw new Error("there is no terminal");
      const block = createBlock(terminal);
      block.draw([attack, "two\nin one"]);
      block.draw(["done"]);
      block.end();
    });
    const parts = text.split("\x1b[2A\x1b[J");
    expect(parts).toHaveLength(2);
    expect(parts.join("")).not.toMatch(obeyed);
  });

  it("a cell of a table stays in its row", () => {
    expect(table(["NAME", "B"], [["a\n  b", attack]]).split("\n")).toHaveLength(2);
  });
});
