import { cleanLine } from "./clean-text.js";
import type { Terminal } from "./output.js";

/** Lines on a terminal that are drawn in place of the ones drawn before. */
export interface Block {
  draw(lines: readonly string[]): void;
  /** Leaves the last lines where they are. */
  end(): void;
}

/** Makes a block, which makes way for what others write to the terminal meanwhile. */
export function createBlock(terminal: Terminal): Block {
  let drawn: readonly string[] = [];
  const erase = () => {
    // A line that was drawn on a wider terminal has been folded since, and takes several rows now.
    const rows = drawn.reduce((all, line) => all + Math.max(1, Math.ceil(line.length / terminal.columns)), 0);
    drawn = [];
    if (rows > 0) terminal.draw(`\x1b[${rows}A\x1b[J`);
  };
  const unshare = terminal.share(erase);
  return {
    draw(texts) {
      erase();
      const lines = texts.map(cleanLine);
      terminal.draw(lines.map((line) => `${line}\n`).join(""));
      drawn = lines;
    },
    end: unshare,
  };
}
