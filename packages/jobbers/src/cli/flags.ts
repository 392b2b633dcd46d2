import { parseArgs as parseTokens } from "node:util";
import { checkName, JobbersError, parseInstant, quoted } from "@jobbers/core";
import { parseArgs } from "citty";
import type { Command, CommandCall } from "./command.js";

/** What a command line says, checked: citty by itself ignores unknown flags and lets flags swallow one another. */
export type ParsedCommand = Pick<CommandCall, "args" | "positionals" | "all">;

/**
 * Parses the arguments of a command.
 *
 * @throws JobbersError `flag-invalid` naming an unknown flag, one without its value, or a missing argument
 */
export function parseFlags(command: Command, argv: readonly string[]): ParsedCommand {
  const defs = Object.entries(command.args);
  const flags = defs.filter(([, def]) => def.type !== "positional");
  const { tokens, positionals } = parseTokens({
    args: [...argv],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      flags.map(([name, def]) => [name, { type: def.type === "boolean" ? "boolean" : "string" }]),
    ),
  });
  const values = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const def = Object.hasOwn(command.args, token.name) ? command.args[token.name] : undefined;
    if (!def || def.type === "positional") throw unknownFlag(command, token.rawName);
    if (def.type === "boolean") {
      if (token.value !== undefined)
        throw flagError(`${token.rawName} takes no value, but was given ${quoted(token.value)}`);
    } else if (
      token.value === undefined ||
      (!token.inlineValue && token.value.startsWith("-") && token.value !== "-")
    ) {
      throw flagError(`${token.rawName} needs a value, as in ${token.rawName}=${def.valueHint ?? "VALUE"}`);
    } else {
      values.set(token.name, [...(values.get(token.name) ?? []), token.value]);
    }
  }
  const named = defs.filter(([, def]) => def.type === "positional");
  const missing = named.find(([, def], i) => def.required !== false && positionals[i] === undefined);
  if (missing) throw flagError(`${missing[0].toUpperCase()} is missing; the order is ${placesOf(command)}`);
  const isOpen = named.some(([name]) => name === "files");
  if (!isOpen && positionals.length > named.length) {
    throw flagError(`${quoted(positionals[named.length])} is one argument too many`);
  }
  const args = parseArgs([...argv], command.args);
  return { args, positionals, all: (flag) => values.get(flag) ?? [] };
}

/** The positional arguments of a command as usage lines show them: `NAME FILES…`. */
function placesOf(command: Command): string {
  const names = Object.keys(command.args).filter((name) => command.args[name]?.type === "positional");
  return names.map((name) => (name === "files" ? "FILES…" : name.toUpperCase())).join(" ");
}

function unknownFlag(command: Command, rawName: string): JobbersError {
  const flags = Object.keys(command.args).filter((name) => command.args[name]?.type !== "positional");
  const listed = flags.map((name) => `--${name}`).join(", ");
  return flagError(`there is no flag ${quoted(rawName).slice(1, -1)}; there are ${listed}`);
}

/**
 * Reads a whole number of at least `min`.
 *
 * @throws JobbersError `flag-invalid`
 */
export function wholeNumber(value: string, flag: string, min = 1, max = 100_000): number {
  const number = Number(value);
  if (/^\d{1,9}$/.test(value) && number >= min && number <= max) return number;
  throw flagError(`${flag} is ${quoted(value)}; it takes a whole number from ${min} to ${max}`);
}

/**
 * Reads a list of names with commas between them.
 *
 * @throws JobbersError `flag-invalid`
 */
export function nameList(value: string, flag: string): string[] {
  const names = value.split(",").map((name) => name.trim());
  try {
    return names.map((name) => checkName(name, flag));
  } catch (error) {
    throw flagError((error as Error).message);
  }
}

/**
 * Reads queues, each with the most slots that its steps may take where that is said: `crawl=5,mail`.
 *
 * @throws JobbersError `flag-invalid`
 */
export function queueList(value: string, flag: string) {
  const parts = value.split(",").map((part) => part.split("="));
  const queues = nameList(parts.map(([name]) => name).join(","), flag);
  const bulkheads = parts.flatMap(([, ...most], i) =>
    most.length === 0 ? [] : [[queues[i] as string, wholeNumber(most.join("=").trim(), flag)] as const],
  );
  return { queues, bulkheads: { queues: Object.fromEntries(bulkheads) } };
}

/**
 * Reads one of some words.
 *
 * @throws JobbersError `flag-invalid`
 */
export function oneOf<const W extends string>(value: string, flag: string, words: readonly W[]): W {
  const word = words.find((each) => each === value);
  if (word === undefined) throw flagError(`${flag} is ${quoted(value)}; it takes ${words.join(", ")}`);
  return word;
}

/**
 * Reads a moment: ISO 8601, with a time zone where it has a time.
 *
 * @throws JobbersError `flag-invalid`
 */
export function moment(value: string, flag: string): number {
  const ms = parseInstant(value);
  if (ms !== undefined) return ms;
  throw flagError(`${flag} is ${quoted(value)}; it takes a moment like 2026-11-21 or 2026-11-21T16:00:00Z`);
}

/** An error about a flag or a setting. */
export function flagError(message: string): JobbersError {
  return new JobbersError("flag-invalid", message);
}
