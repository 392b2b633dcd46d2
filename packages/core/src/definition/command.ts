import { JobbersError } from "../errors/errors.js";
import { quoted } from "../values/quoted.js";
import type { TaskContext } from "./context.js";
import type { Checked, In, Parsed, Schema, Stored, Task, TaskPolicy } from "./face.js";
import type { Limit } from "./limits.js";
import { type Duration, durationMs } from "./policy.js";
import { checkOptions } from "./step-options.js";
import { task } from "./task.js";

/** What the exit codes of a program mean. A code that no list names means what `otherwise` says. */
export interface ExitCodes {
  /** The step succeeds; default [0]. */
  success?: readonly number[] | undefined;
  /** The try failed, another may help; default [75], which sysexits.h calls "temporary failure". */
  retry?: readonly number[] | undefined;
  /** The step fails for good; default [64, 65, 77, 78]: wrong usage, bad data, no permission, wrong configuration. */
  terminal?: readonly number[] | undefined;
  /** What all other codes mean; default "retry". */
  otherwise?: "retry" | "terminal" | undefined;
}

/** What `command()` takes. */
export interface CommandOptions<S, O> extends TaskPolicy {
  /** Parses the input for each attempt; what it answers goes to the program's stdin as JSON. */
  input?: S | undefined;
  /** Parses what the program has printed. */
  output?: Schema<unknown, O> | undefined;
  /** As those of `task()`. */
  limits?: readonly Limit<Parsed<S>>[] | undefined;
  /**
   * The program and its arguments, or a function from the input to them. No shell reads them, so nothing in them needs quoting;
   * a program without a slash is looked for on PATH.
   */
  run: readonly string[] | ((input: Parsed<S>) => readonly string[]);
  /** The directory that it runs in; default: the worker's own. */
  cwd?: string | undefined;
  /** Variables to set beside the worker's own environment (of which those named `JOBBERS_…` are left out). */
  env?: Readonly<Record<string, string>> | undefined;
  /** How stdout is read: as "json", one value (default), or as "ndjson", a list with one value a line. */
  stdout?: "json" | "ndjson" | undefined;
  exitCodes?: ExitCodes | undefined;
  /** How long after SIGTERM what is left of its processes gets SIGKILL; default "5s". */
  killAfter?: Duration | undefined;
}

/** What a worker has to know in order to run a program; see {@link CommandOptions}. */
export interface CommandSpec {
  readonly name: string;
  readonly run: readonly string[] | ((input: never) => readonly string[]);
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly stdout: "json" | "ndjson";
  readonly exitCodes: {
    readonly success: readonly number[];
    readonly retry: readonly number[];
    readonly terminal: readonly number[];
    readonly otherwise: "retry" | "terminal";
  };
  readonly killAfterMs: number;
}

/** Runs a program for an attempt; resolves with what it answers when none of its processes is left. */
export type RunProgram = (spec: CommandSpec, input: unknown, ctx: TaskContext) => Promise<unknown>;

/** Where a context holds what runs programs: core starts none. Known to all copies of the package. */
export const RUN_PROGRAM: unique symbol = Symbol.for("jobbers.run-program") as never;

const own = ["run", "cwd", "env", "stdout", "exitCodes", "killAfter"];
const policyKeys = ["name", "queue", "priority", "retry", "timeout", "startWithin", "heartbeat"];
const taskKeys = [
  ...policyKeys,
  "input",
  "output",
  "limits",
  "keep",
  "deadline",
  "events",
  "slots",
  "tags",
  "hooks",
];

/**
 * Defines a task that runs a program, in whatever language: JSON comes in on stdin, JSON goes out on stdout, stderr is logged, exit codes
 * say how it went, and all its processes die with the attempt. The guide "Isolation and commands" has the details.
 *
 * @throws JobbersError `definition-invalid` or `name-invalid`, naming the task and the option
 * @example
 * const resize = command({
 *   name: "resize",
 *   input: z.object({ file: z.string() }),
 *   run: ["python3", "resize.py"],
 *   timeout: "10m",
 * });
 */
export function command<S extends Schema | undefined = undefined, O = unknown>(
  given: CommandOptions<S, O>,
): Task<Checked<In<S>>, Stored<O>, Parsed<S>> {
  const options = checkOptions(given, [...taskKeys, ...own], "command()");
  const what = `command ${quoted(options.name)}`;
  const spec = specOf(options as CommandOptions<unknown, unknown>, what);
  const policy = Object.fromEntries(Object.entries(options).filter(([key]) => !own.includes(key)));
  const made = task({
    ...policy,
    run: (input: unknown, ctx: TaskContext) => start(spec, input, ctx),
  } as never);
  Object.defineProperty(made, "command", { value: spec, enumerable: true });
  return made as unknown as Task<Checked<In<S>>, Stored<O>, Parsed<S>>;
}

function start(spec: CommandSpec, input: unknown, ctx: TaskContext): Promise<unknown> {
  const run = (ctx as { readonly [RUN_PROGRAM]?: RunProgram })[RUN_PROGRAM];
  if (run) return run(spec, input, ctx);
  throw new JobbersError(
    "definition-invalid",
    `command ${quoted(spec.name)} is run with a context that starts no programs; in a test, write ${spec.name}.run(input, commandContext())`,
  );
}

function specOf(options: CommandOptions<unknown, unknown>, what: string): CommandSpec {
  const { name, run, cwd, env = {}, stdout = "json", exitCodes, killAfter = "5s" } = options;
  if (typeof run !== "function") checkArguments(run, `${what}: run`);
  if (cwd !== undefined && (typeof cwd !== "string" || cwd === ""))
    throw invalid(`${what}: cwd is ${quoted(cwd)}; it takes the path of a directory`);
  if (stdout !== "json" && stdout !== "ndjson")
    throw invalid(`${what}: stdout is ${quoted(stdout)}; it takes "json" or "ndjson"`);
  checkEnvironment(env, `${what}: env`);
  const killAfterMs = durationMs(killAfter, `${what}: killAfter`);
  return {
    name,
    run,
    cwd,
    env,
    stdout,
    exitCodes: exitCodesOf(exitCodes, `${what}: exitCodes`),
    killAfterMs,
  };
}

/**
 * Checks that something is a program with its arguments.
 *
 * @throws JobbersError `definition-invalid`
 */
export function checkArguments(run: unknown, what: string): asserts run is readonly string[] {
  const isList = Array.isArray(run) && run.length > 0 && run.every((part) => typeof part === "string");
  if (!isList || run[0] === "")
    throw invalid(`${what} is ${quoted(run)}; it takes a list like ["java", "-jar", "x.jar"]`);
  if (run.some((part) => part.includes("\0")))
    throw invalid(`${what} has an argument with U+0000, which no program can be given`);
}

function checkEnvironment(env: unknown, what: string): void {
  const isObject = typeof env === "object" && env !== null && !Array.isArray(env);
  if (!isObject) throw invalid(`${what} is ${quoted(env)}; it takes an object like { LANG: "C" }`);
  for (const [name, value] of Object.entries(env)) {
    if (name === "" || /[=\0]/.test(name))
      throw invalid(`${what} has the name ${quoted(name)}, which no environment can hold`);
    if (typeof value !== "string" || value.includes("\0"))
      throw invalid(`${what}.${name} is ${quoted(value)}; it takes a text`);
  }
}

function exitCodesOf(given: ExitCodes | undefined, what: string): CommandSpec["exitCodes"] {
  const {
    success,
    retry,
    terminal,
    otherwise = "retry",
  } = checkOptions(given, ["success", "retry", "terminal", "otherwise"], what);
  if (otherwise !== "retry" && otherwise !== "terminal")
    throw invalid(`${what}.otherwise is ${quoted(otherwise)}; it takes "retry" or "terminal"`);
  const lists = { success, retry, terminal };
  const taken = new Map<number, string>();
  for (const [name, codes] of Object.entries(lists)) {
    if (codes === undefined) continue;
    if (!Array.isArray(codes)) throw invalid(`${what}.${name} is ${quoted(codes)}; it takes a list of codes`);
    for (const code of codes as unknown[]) {
      if (!Number.isInteger(code) || (code as number) < 0 || (code as number) > 255)
        throw invalid(`${what}.${name} has ${quoted(code)}; an exit code is a whole number from 0 to 255`);
      const other = taken.get(code as number);
      if (other !== undefined) throw invalid(`${what} has ${code} in ${other} and in ${name}`);
      taken.set(code as number, name);
    }
  }
  // What is listed on purpose goes before what a default says.
  const byDefault = (codes: readonly number[]) => codes.filter((code) => !taken.has(code));
  return {
    success: success ?? byDefault([0]),
    retry: retry ?? byDefault([75]),
    terminal: terminal ?? byDefault([64, 65, 77, 78]),
    otherwise,
  };
}

function invalid(message: string): JobbersError {
  return new JobbersError("definition-invalid", message);
}
