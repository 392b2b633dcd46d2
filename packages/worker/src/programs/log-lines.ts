import { Lines } from "./lines.js";

/** The most bytes of a line that is logged, and the most lines in a second; what is beyond is dropped and counted. */
const MAX_LINE_BYTES = 8 * 1024;
const MAX_LINES = 200;
const WINDOW_MS = 1_000;

/** How much of the last lines an error may quote. */
const TAIL_CHARS = 1_000;

/** Turns what a program or a handler writes into log lines: bounded in length and number, so that nobody can drown a log. */
export class LogLines {
  readonly #lines: Lines;
  #windowMs = Number.NEGATIVE_INFINITY;
  #inWindow = 0;
  #dropped = 0;
  #tail = "";

  constructor(private readonly write: (line: string) => void) {
    this.#lines = new Lines(MAX_LINE_BYTES, (line, isCut) => {
      const text = line.toString("utf8").trimEnd();
      if (text !== "") this.add(isCut ? `${text}…` : text);
    });
  }

  /** The last lines. */
  get tail(): string {
    return this.#tail.trim();
  }

  push(chunk: Buffer): void {
    this.#lines.push(chunk);
  }

  add(line: string): void {
    this.#tail = `${this.#tail}\n${line}`.slice(-TAIL_CHARS);
    const nowMs = performance.now();
    if (nowMs - this.#windowMs >= WINDOW_MS) {
      this.#windowMs = nowMs;
      this.#inWindow = 0;
      this.#tellDropped();
    }
    if (this.#inWindow++ < MAX_LINES) this.write(line);
    else this.#dropped += 1;
  }

  end(): void {
    this.#lines.end();
    this.#tellDropped();
  }

  #tellDropped(): void {
    if (this.#dropped > 0)
      this.write(`(${this.#dropped} lines were dropped: more than ${MAX_LINES} in a second)`);
    this.#dropped = 0;
  }
}
