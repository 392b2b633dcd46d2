import { createInterface } from "node:readline/promises";
import { flagError } from "./flags.js";

/**
 * Asks whoever sits in front of the terminal.
 *
 * @throws JobbersError `flag-invalid` where nobody does
 */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw flagError(`there is no terminal to ask at: ${question} Say so with --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
