import { parseArgs } from "node:util";
import type { FaultKind } from "./fault.js";
import { processFaults } from "./process-faults.js";

/** What the command line asks for. */
export interface Flags {
  readonly seed: number;
  readonly minutes: number;
  readonly store: string | undefined;
  readonly appendfsync: "always" | "everysec";
  readonly workers: number;
  readonly slots: number;
  readonly rate: number;
  readonly everyMs: number;
  readonly leaseMs: number;
  readonly json: string | undefined;
  readonly keep: boolean;
  /** Whether it is about limits, and workers that are killed and stopped. */
  readonly limits: boolean;
  /** The kinds to inject, from those of processes and those that the store adds. */
  readonly kindsOf: (more: readonly FaultKind[]) => readonly FaultKind[];
}

/** Says what is wrong with the command line. */
export class UsageError extends Error {}

export const usage = `Usage: npm run crash [-- OPTIONS]

Kills, stops and blocks workers, the submitter and (Redis) the server under load, then compares two ledgers with the store.

  --minutes N         how long faults are injected (default 1)
  --seed S            which faults, when and to whom (default: drawn, and printed)
  --store URL         sqlite:PATH (default: a file of its own), redis://…, or redis:spawn for a server of its own
  --appendfsync MODE  of that server: always (default) or everysec
  --workers N         worker processes (default 3)
  --faults A,B        only these; "none" for none (default: all that the store allows)
  --every MS          the mean time from one fault to the next (default 800)
  --rate N            runs a second (default 15)
  --slots N           handlers at a time in each worker (default 8)
  --lease MS          of each worker (default 2000)
  --limits            tasks with limits and a role with a maximum, while workers are killed and stopped: the leases that the store accepted
                      have to keep to them (--rate and --faults have no bearing on it)
  --json FILE         writes everything there as JSON too
  --keep              keeps ledgers and logs also when nothing is wrong

Faults of processes:
${processFaults.map(({ name, what }) => `  ${name.padEnd(18)}  ${what}`).join("\n")}
`;

/** Reads the command line. */
export function flagsOf(args: readonly string[]): Flags | "help" {
  const text = { type: "string" } as const;
  const yes = { type: "boolean", default: false } as const;
  const options = {
    ...{ minutes: text, seed: text, store: text, appendfsync: text, workers: text, faults: text },
    ...{ every: text, rate: text, slots: text, lease: text, json: text, keep: yes, limits: yes, help: yes },
  };
  const { values } = parse(() => parseArgs({ args: [...args], options }));
  if (values.help) return "help";
  const { appendfsync = "always", faults, store, json, keep, limits } = values;
  if (appendfsync !== "always" && appendfsync !== "everysec")
    throw new UsageError(`--appendfsync takes always or everysec, not "${appendfsync}"`);
  return {
    ...{ store, json, keep, limits, appendfsync },
    minutes: number("--minutes", values.minutes ?? "1", 0.05, 24 * 60),
    seed: number("--seed", values.seed ?? String(Math.floor(Math.random() * 2 ** 31)), 0, 2 ** 32),
    workers: number("--workers", values.workers ?? "3", 2, 64),
    slots: number("--slots", values.slots ?? "8", 1, 1_000),
    rate: number("--rate", values.rate ?? "15", 1, 10_000),
    everyMs: number("--every", values.every ?? "800", 50, 600_000),
    leaseMs: number("--lease", values.lease ?? "2000", 400, 60_000),
    kindsOf: (more) => choose([...processFaults, ...more], faults),
  };
}

function choose(all: readonly FaultKind[], wanted: string | undefined): readonly FaultKind[] {
  if (wanted === undefined) return all;
  if (wanted === "none") return [];
  return wanted.split(",").map((name) => {
    const kind = all.find((each) => each.name === name);
    if (kind) return kind;
    throw new UsageError(
      `--faults has "${name}"; there are ${all.map((each) => each.name).join(", ")}, or none`,
    );
  });
}

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${usage}`);
  }
}

function number(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= least && value <= most) return value;
  throw new UsageError(`${flag} takes a number from ${least} to ${most}, not "${text}"`);
}
