import { cleanText, jsonText } from "./clean-text.js";

/**
 * Where a command writes: results to standard output, everything for people beside it to standard error. What handlers, inputs and
 * names bring along is cleaned of what a terminal would obey, wherever it goes.
 */
export interface Output {
  /** True when standard output belongs to a program: it then carries one JSON document and nothing else. */
  readonly json: boolean;
  /** The terminal behind standard error, where there is one; live progress is drawn there, the only output that has escapes. */
  readonly terminal: Terminal | undefined;
  /** How wide standard output is, where it is a terminal. */
  readonly columns: number | undefined;
  /** Writes a result for people; says nothing under `--json`. */
  print(text: string): void;
  /** Writes the one result for programs; says nothing without `--json`. */
  printJson(value: unknown): void;
  /** Writes a line for people to standard error, under `--json` too. */
  note(text: string): void;
}

/** A terminal as far as drawing on it goes. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  draw(text: string): void;
  /** Calls `before` whenever anybody else is about to write to the same terminal; answers how to stop that. */
  share(before: () => void): () => void;
}

/** The output of this process. */
export function processOutput(json: boolean): Output {
  const { stdout, stderr } = process;
  const print = stdout.write.bind(stdout);
  // Tasks write what they like; under --json none of it may come between a program and its document.
  if (json) stdout.write = stderr.write.bind(stderr) as typeof stdout.write;
  return {
    json,
    terminal: stderr.isTTY && process.env.TERM !== "dumb" ? terminalOf(stderr, stdout) : undefined,
    get columns() {
      return stdout.isTTY ? stdout.columns || 80 : undefined;
    },
    print: (text) => void (json || print(`${cleanText(text)}\n`)),
    printJson: (value) => void (json && print(`${jsonText(value)}\n`)),
    note: (text) => void stderr.write(`${cleanText(text)}\n`),
  };
}

function terminalOf(stderr: NodeJS.WriteStream, stdout: NodeJS.WriteStream): Terminal {
  const draw = stderr.write.bind(stderr);
  return {
    get columns() {
      return stderr.columns || 80;
    },
    get rows() {
      return stderr.rows || 24;
    },
    draw: (text) => void draw(text),
    share(before) {
      const streams = stdout.isTTY ? [stderr, stdout] : [stderr];
      const writes = streams.map((stream) => stream.write);
      for (const [i, stream] of streams.entries()) {
        const write = writes[i] as (...args: unknown[]) => boolean;
        stream.write = (...args: unknown[]) => {
          before();
          return write.apply(stream, args);
        };
      }
      return () => {
        for (const [i, stream] of streams.entries()) stream.write = writes[i] as typeof stream.write;
      };
    },
  };
}

/** Makes a reader that has gone (`| head`) no error: what nobody reads is dropped in silence, and work goes on. */
export function muteClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}

/** Waits until all that was written has left the process, or nobody reads it any more. */
export async function flushOutput(): Promise<void> {
  const flushed = [process.stdout, process.stderr].map(
    (stream) => new Promise<void>((resolve) => stream.write("", () => resolve())),
  );
  await Promise.all(flushed);
}
