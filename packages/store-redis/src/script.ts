import type { Redis } from "ioredis";
import { scriptText } from "./script-text.js";

/** An argument of a script. */
export type Argument = string | number;

/** The typed face of one script: how a call becomes its ARGV (from the second on; the first is the instant), and a reply a result. */
export interface Script<Call extends readonly unknown[], Reply> {
  /** The file in `scripts/`, without its ending. */
  readonly name: string;
  encode(...call: Call): Argument[];
  decode(reply: unknown, ...call: Call): Reply;
}

/** Runs a script by its hash; where the server does not know it (any more), ioredis sends its text. */
export function runScript(
  redis: Redis,
  name: string,
  key: string,
  args: readonly Argument[],
): Promise<unknown> {
  // Commands that are defined at run time are unknown to ioredis' types.
  const commands = redis as unknown as Record<
    string,
    ((...args: Argument[]) => Promise<unknown>) | undefined
  >;
  const command = `jobbers-${name}`;
  if (!commands[command]) redis.defineCommand(command, { numberOfKeys: 1, lua: scriptText(name) });
  return (commands[command] as (...args: Argument[]) => Promise<unknown>).call(redis, key, ...args);
}
