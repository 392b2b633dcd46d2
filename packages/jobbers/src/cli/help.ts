import { stripVTControlCharacters } from "node:util";
import { renderUsage } from "citty";
import type { Command } from "./command.js";

/** Writes the help of one command: what it is, how it is called, and examples. */
export async function commandHelp(program: string, command: Command): Promise<string> {
  const usage = await renderUsage(
    { meta: { name: command.name, description: command.description }, args: command.args },
    { meta: { name: program } },
  );
  const shown = process.stdout.isTTY ? usage : stripVTControlCharacters(usage);
  const text = shown.replace("<FILES>", "<FILES…>").replace(/ +$/gm, "").trimEnd();
  return `${text}\n\nEXAMPLES\n\n${command.examples.map((line) => `  ${line}`).join("\n")}`;
}

/** Writes the help of a program with several commands. */
export function programHelp(program: string, description: string, commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map((each) => `  ${each.name.padEnd(width)}  ${each.description}`);
  const examples = commands.flatMap(({ examples }) => examples.slice(0, 1)).map((line) => `  ${line}`);
  return [
    description,
    "",
    `USAGE  ${program} COMMAND [OPTIONS]`,
    "",
    "COMMANDS",
    "",
    ...lines,
    "",
    "EXAMPLES",
    "",
    ...examples,
    "",
    `\`${program} COMMAND --help\` tells more; the whole reference is docs/reference/cli.md.`,
  ].join("\n");
}
