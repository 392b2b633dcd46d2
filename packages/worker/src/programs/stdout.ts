import { JobbersError, parseJson, showBytes } from "@jobbers/core";
import { Lines } from "./lines.js";
import { isSaid } from "./said.js";

/** Only so much of a line is looked at to see whom it is for, and may be said to Jobbers in one. */
const MAX_SAID_BYTES = 64 * 1024;

/** How much of what is no output is told in the log. */
const CHATTER_CHARS = 16 * 1024;

const FIRST_BYTES = 4 * 1024;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const BRACE = 0x7b;

export interface StdoutOptions {
  readonly name: string;
  readonly form: "json" | "ndjson";
  /** The most that it keeps, in bytes. */
  readonly maxBytes: number;
  /** A line for Jobbers. */
  readonly onSaid: (line: string) => void;
  /** There is more than a step's output may have; what comes now is not kept. */
  readonly onTooMuch: (error: JobbersError) => void;
}

/** Collects what a program prints: lines for Jobbers are handed on as they come, the rest is its output. */
export class Stdout {
  readonly #options: StdoutOptions;
  readonly #lines: Lines;
  /** One buffer that grows: millions of short lines would weigh a hundred times what is in them. */
  #kept = Buffer.alloc(0);
  #bytes = 0;
  #isTooMuch = false;

  constructor(options: StdoutOptions) {
    this.#options = options;
    this.#lines = new Lines(options.maxBytes + 1, (line) => this.#take(line));
  }

  push(chunk: Buffer): void {
    if (this.#isTooMuch) return;
    this.#lines.push(chunk);
    if (this.#bytes + this.#lines.pendingBytes > this.#options.maxBytes) this.#stop();
  }

  end(): void {
    if (!this.#isTooMuch) this.#lines.end();
  }

  /**
   * What the program answers, and the lines before it that are no JSON, the first ones where there are many.
   *
   * @throws JobbersError `output-invalid`
   */
  output(): { readonly value: unknown; readonly chatter: readonly string[] } {
    const { name, form } = this.#options;
    const text = this.#kept.toString("utf8", 0, this.#bytes).trim();
    if (form === "ndjson") {
      const lines = text.split("\n").filter((line) => line.trim() !== "");
      const value = lines.map((line, at) => read(line, `line ${at + 1} of the stdout of ${name}`));
      return { value, chatter: [] };
    }
    if (text === "") return { value: null, chatter: [] };
    try {
      return { value: read(text, `the stdout of ${name}`), chatter: [] };
    } catch (whole) {
      const lastAt = text.lastIndexOf("\n") + 1;
      if (lastAt === 0) throw whole;
      const value = read(text.slice(lastAt), `the last line of the stdout of ${name}`);
      return { value, chatter: text.slice(0, Math.min(lastAt, CHATTER_CHARS)).trim().split("\n") };
    }
  }

  #take(line: Buffer): void {
    const [first = NEWLINE] = line;
    // Most lines need not be made a text to see that they are not for us.
    if ((first === BRACE || first <= SPACE) && line.length <= MAX_SAID_BYTES) {
      const text = line.toString("utf8");
      if (isSaid(text)) {
        this.#options.onSaid(text);
        return;
      }
    }
    if (line.length === 0) return;
    const end = this.#bytes + line.length + 1;
    if (end > this.#options.maxBytes + 1) {
      this.#stop();
      return;
    }
    if (end > this.#kept.length) this.#grow(end);
    this.#kept.set(line, this.#bytes);
    this.#kept[end - 1] = NEWLINE;
    this.#bytes = end;
  }

  #grow(least: number): void {
    const grown = Buffer.alloc(Math.max(least, this.#kept.length * 2, FIRST_BYTES));
    this.#kept.copy(grown, 0, 0, this.#bytes);
    this.#kept = grown;
  }

  #stop(): void {
    if (this.#isTooMuch) return;
    this.#isTooMuch = true;
    this.#kept = Buffer.alloc(0);
    const { name, onTooMuch } = this.#options;
    const most = showBytes(this.#options.maxBytes);
    const much = `more than ${most} to stdout, which is the most that a step may answer; it was stopped`;
    onTooMuch(new JobbersError("value-too-large", `${name} printed ${much}`));
  }
}

function read(text: string, what: string): unknown {
  try {
    return parseJson(text, what);
  } catch (cause) {
    const { message } = cause as Error;
    const start = JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
    throw new JobbersError("output-invalid", `${message}; it begins with ${start}`, { cause });
  }
}
