import { createInterface } from "node:readline/promises";
import { flagError } from "./flags.js";

/**
 * Asks whoever sits in front of the terminal.
 *
 * @throws JobbersError `flag-invalid` where nobody does
 */
export async function confirm(question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await askFor(`${question} [y/N]`, "--yes"));
}

/**
 * Asks for a text.
 *
 * @param flag what says it where nobody can be asked
 * @throws JobbersError `flag-invalid` where nobody can
 */
export async function askFor(question: string, flag: string): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw flagError(`there is no terminal to ask at: ${question} Say so with ${flag}`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(`${question} `)).trim();
  } finally {
    terminal.close();
  }
}
