import { stripVTControlCharacters } from "node:util";

/** Where a command writes: results to standard output, everything for people beside it to standard error. */
export interface Output {
  /** True when standard output belongs to a program: it then carries one JSON document and nothing else. */
  readonly json: boolean;
  /** The terminal behind standard error, where there is one; live progress is drawn there. */
  readonly terminal: Terminal | undefined;
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
  write(text: string): void;
}

/** The output of this process. A reader that has gone (`| head`) is no error: what nobody reads is dropped in silence. */
export function processOutput(json: boolean): Output {
  const { stdout, stderr } = process;
  const tty = stderr.isTTY && process.env.TERM !== "dumb";
  return {
    json,
    terminal: tty
      ? {
          get columns() {
            return stderr.columns || 80;
          },
          get rows() {
            return stderr.rows || 24;
          },
          write: (text) => void stderr.write(text),
        }
      : undefined,
    print: (text) => void (json || stdout.write(`${stdout.isTTY ? text : stripVTControlCharacters(text)}\n`)),
    printJson: (value) => void (json && stdout.write(`${JSON.stringify(value)}\n`)),
    note: (text) => void stderr.write(`${text}\n`),
  };
}

/** Makes a closed pipe a silent end of output instead of a crash. */
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
