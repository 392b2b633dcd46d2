import { errorCatalogue, quoted } from "@jobbers/core";
import type { Command } from "./command.js";
import { reportError } from "./error-report.js";
import { flagError, parseFlags } from "./flags.js";
import { commandHelp, programHelp } from "./help.js";
import { flushOutput, muteClosedPipes, type Output, processOutput } from "./output.js";

/** A program with several commands, chosen by the first argument. */
export interface Program {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly commands: readonly Command[];
}

/** Runs the command that the arguments name, and ends the process with its exit code. */
export function runProgram(program: Program, argv: readonly string[]): Promise<never> {
  return inProcess(program.name, argv, (output) => performProgram(program, argv, output));
}

/** Runs one command with its arguments, and ends the process with its exit code. */
export function runCommand(program: string, command: Command, argv: readonly string[]): Promise<never> {
  return inProcess(program, argv, (output) => performCommand(program, command, argv, output));
}

/** Runs the command that the arguments name; answers its exit code, or throws what went wrong. */
export async function performProgram(
  program: Program,
  argv: readonly string[],
  output: Output,
): Promise<number> {
  const [name, ...rest] = argv;
  const command = program.commands.find((each) => each.name === name);
  if (command) return performCommand(program.name, command, rest, output);
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(`${programHelp(program.name, program.description, program.commands)}\n`);
    return name === undefined ? 2 : 0;
  }
  if (name === "--version") {
    process.stdout.write(`${program.version}\n`);
    return 0;
  }
  const names = program.commands.map((each) => each.name).join(", ");
  throw flagError(`there is no command ${quoted(name)}; there are ${names}`);
}

async function performCommand(
  program: string,
  command: Command,
  argv: readonly string[],
  output: Output,
): Promise<number> {
  const own = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : undefined);
  if (own.includes("--help") || own.includes("-h")) {
    process.stdout.write(`${await commandHelp(program, command)}\n`);
    return 0;
  }
  return command.run({ ...parseFlags(command, argv), output });
}

async function inProcess(
  program: string,
  argv: readonly string[],
  act: (output: Output) => Promise<number>,
): Promise<never> {
  muteClosedPipes();
  const output = processOutput(argv.includes("--json"));
  process.once("beforeExit", () => {
    // The event loop has run dry under a command that still waits: nothing is left that could ever go on.
    output.note(
      `${program}: gave up waiting for what will never happen; does a workflow file await something at its top level?`,
    );
    process.exit(errorCatalogue["workflow-file-invalid"].exit);
  });
  let code: number;
  try {
    code = await act(output);
  } catch (error) {
    code = reportError(error, program, output);
  }
  // Not by letting the event loop run dry: a workflow file may have left timers and sockets open.
  await flushOutput();
  process.exit(code);
}
