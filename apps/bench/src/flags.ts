import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import type { Aof } from "./redis-server/server.js";

/** How the bench is called. */
export const usage = `Usage: npm run bench [-- OPTIONS]
       npm run bench -- --markdown|--readme FILE.json [FILE.json …]

Measures the embedded SQLite store (a file, WAL, synchronous=FULL) with one process, or the Redis
store beside BullMQ: both in turns on one redis-server of the bench's own, from PATH.

  --store NAME    sqlite (default) or redis
  --http          the HTTP API on that store, beside a bare Hono app
  --aof WHEN      redis: append-only file, fsynced everysec or always (default: no persistence)
  --only NAME     only the scenarios whose name contains NAME
  --rounds N      rounds to take the median of (default 3; redis 5)
  --scale F       multiplies the work of each scenario (default 1; 0.05 is a quick look)
  --json FILE     writes the figures there as JSON too
  --dir DIR       where files are made (default: the system's temporary folder)
  --markdown      measures nothing: prints the reports in the files as one Markdown table
  --readme        writes it into docs/reference/figures.md, and what has a target into README.md
`;

/** The command line, checked. */
export interface Flags {
  readonly store: "sqlite" | "redis";
  readonly http: boolean;
  readonly aof: Aof;
  readonly only: string;
  readonly rounds: number;
  readonly scale: number;
  readonly json?: string | undefined;
  readonly dir: string;
  readonly markdown: boolean;
  readonly readme: boolean;
  readonly help: boolean;
  /** What stands behind the flags: files for `markdown`. */
  readonly files: readonly string[];
}

/** Reads the command line; throws an Error that a person can read. */
export function readFlags(): Flags {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      store: { type: "string", default: "sqlite" },
      http: { type: "boolean", default: false },
      aof: { type: "string", default: "no" },
      only: { type: "string", default: "" },
      rounds: { type: "string" },
      scale: { type: "string", default: "1" },
      json: { type: "string" },
      dir: { type: "string", default: tmpdir() },
      markdown: { type: "boolean", default: false },
      readme: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const store = oneOf("--store", values.store, ["sqlite", "redis"]);
  const markdown = values.markdown || values.readme;
  if (positionals.length > 0 && !markdown) throw new Error(`what is "${positionals[0]}"? See --help.`);
  return {
    ...values,
    markdown,
    store,
    aof: oneOf("--aof", values.aof, ["no", "everysec", "always"]),
    rounds: atLeast("--rounds", values.rounds ?? (store === "redis" && !values.http ? "5" : "3"), 1),
    scale: atLeast("--scale", values.scale, 0.001),
    files: positionals,
  };
}

function oneOf<T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((each) => each === text);
  if (choice) return choice;
  throw new Error(`${flag} takes ${choices.join(" or ")}, not "${text}".`);
}

function atLeast(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  throw new Error(`${flag} takes a number of at least ${least}, not "${text}".`);
}
