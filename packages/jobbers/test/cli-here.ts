import { commands } from "../src/cli/commands.js";
import { reportError } from "../src/cli/error-report.js";
import { processOutput } from "../src/cli/output.js";
import { performProgram } from "../src/cli/program.js";
import type { Ended } from "./cli-process.js";

const program = { name: "jobbers", version: "0.0.0", description: "under test", commands };

/**
 * Runs a command to its end in this process, which takes a tenth of the time that a process of its own takes: for what a command
 * does and says. What a process is about (signals, its end, its memory, what `bin` starts) wants {@link startCli}.
 *
 * Directory, environment and both streams are the process' own meanwhile, so calls come one after the other.
 */
export async function callCli(
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<Ended> {
  const before = process.cwd();
  const env: Record<string, string | undefined> = { NO_COLOR: "1", ...options.env };
  const shadowed = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
  const text = { stdout: "", stderr: "" };
  const release = (["stdout", "stderr"] as const).map((name) => {
    const { write } = process[name];
    process[name].write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
      text[name] += chunk;
      const done = rest.at(-1);
      if (typeof done === "function") done();
      return true;
    }) as typeof write;
    return () => {
      process[name].write = write;
    };
  });
  process.chdir(options.cwd);
  setEnvironment(env);
  const output = processOutput(args.includes("--json"));
  try {
    const code = await performProgram(program, args, output).catch((error) =>
      reportError(error, program.name, output),
    );
    return { code, signal: null, ...text };
  } finally {
    setEnvironment(shadowed);
    process.chdir(before);
    for (const undo of release) undo();
  }
}

function setEnvironment(values: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
