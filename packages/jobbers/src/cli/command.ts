import type { ArgsDef, ParsedArgs } from "citty";
import type { Output } from "./output.js";

/** One command of a command line, with the types of its arguments. */
export interface CommandDefinition<T extends ArgsDef> {
  readonly name: string;
  readonly description: string;
  /** Its positional arguments and flags, as citty takes them. */
  readonly args: T;
  /** Complete command lines, shown by `--help`. */
  readonly examples: readonly string[];
  /** Answers the exit code. */
  run(call: CommandCall<T>): Promise<number>;
}

/** What a command is called with. */
export interface CommandCall<T extends ArgsDef = ArgsDef> {
  readonly args: ParsedArgs<T>;
  /** All positional arguments in order, the named ones included. */
  readonly positionals: readonly string[];
  /** All values of a flag that may be given several times. */
  readonly all: (flag: string) => readonly string[];
  readonly output: Output;
}

/** One command of a command line, whatever its arguments. */
export type Command = CommandDefinition<ArgsDef>;

/** Defines a command; it only helps TypeScript to see the types of the arguments. */
export function defineCommand<const T extends ArgsDef>(command: CommandDefinition<T>): Command {
  return command as unknown as Command;
}

/** The flags that several commands share. */
export const sharedFlags = {
  store: {
    type: "string",
    valueHint: "URL",
    description:
      "sqlite:PATH, redis://HOST or memory: (default: $JOBBERS_STORE, else sqlite:./.jobbers/jobbers.db)",
  },
  blobs: {
    type: "string",
    valueHint: "URL",
    description:
      "Where large values lie: file:///PATH or s3://BUCKET/PREFIX (default: $JOBBERS_BLOBS, else in the store)",
  },
  json: { type: "boolean", description: "For programs: standard output is one JSON document, nothing else" },
} as const;
