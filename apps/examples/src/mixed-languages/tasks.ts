import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { Terminal, task } from "jobbers";
import { z } from "zod";
import { noteInJournal } from "./journal.js";
import { comparedText } from "./programs.js";

/** The paths of the texts in a folder. */
export const listTexts = task({
  name: "list-texts",
  input: z.object({ folder: z.string() }),
  async run({ folder }, ctx) {
    await noteInJournal(ctx.step);
    const files = (await readdir(folder)).filter((file) => /\.(md|txt)$/.test(file)).sort();
    if (files.length === 0) throw new Terminal(`there is no text (.md, .txt) in ${folder}`);
    return files.map((file) => join(folder, file));
  },
});

/** Reads a text, and counts the words of each of its sentences. */
export const readText = task({
  name: "read-text",
  input: z.object({ file: z.string() }),
  async run({ file }, ctx) {
    await noteInJournal(ctx.step);
    return { title: basename(file, extname(file)), lengths: sentenceLengths(await readFile(file, "utf8")) };
  },
});

/** Writes the page, and answers how many texts it compares and whose sentences are the longest. */
export const writePage = task({
  name: "write-page",
  input: z.object({ page: z.string(), texts: z.array(comparedText), chart: z.string() }),
  async run({ page, texts, chart }, ctx) {
    await noteInJournal(ctx.step);
    await writeFile(page, `<!doctype html><meta charset="utf-8"><title>Readability</title>\n${chart}\n`);
    return { page, texts: texts.length, longest: texts[0]?.title };
  },
});

/** Words of each sentence; of Markdown, only what is prose. */
function sentenceLengths(text: string): number[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, "").replace(/^(#|\|).*$/gm, "\n");
  return prose
    .split(/[.!?:](?=\s)|\n\s*\n/)
    .map((sentence) => sentence.match(/[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu)?.length ?? 0)
    .filter((words) => words > 0);
}
