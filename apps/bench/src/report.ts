import { cpus, loadavg, release, totalmem } from "node:os";
import { type Figure, percentile, type Scenario } from "./scenario.js";

/** The figures of one scenario over all rounds. */
export interface Measured {
  readonly scenario: string;
  readonly what: string;
  readonly figures: readonly {
    readonly name: string;
    readonly unit: string;
    readonly target?: string | undefined;
    readonly median: number;
    readonly min: number;
    readonly max: number;
    readonly met?: boolean | undefined;
  }[];
}

/** What `--json` writes. */
export interface Report {
  /** What was measured: the engine beside its peers, or the HTTP API. */
  readonly of: "engine" | "http";
  readonly machine: ReturnType<typeof machine>;
  /** The store and its settings. */
  readonly store: string;
  readonly rounds: number;
  readonly scale: number;
  readonly measured: readonly Measured[];
}

/** Sums the rounds of one scenario up: the median is what to quote, minimum and maximum say how noisy the machine was. */
export function summarise(
  scenario: Pick<Scenario, "name" | "what">,
  rounds: readonly (readonly Figure[])[],
): Measured {
  const figures = (rounds[0] ?? []).map((first, i) => {
    const values = rounds.map((round) => (round[i] as Figure).value);
    const median = percentile(values, 50);
    const { target } = first;
    return {
      name: first.name,
      unit: first.unit,
      median,
      min: Math.min(...values),
      max: Math.max(...values),
      target: target && ("atLeast" in target ? `≥ ${number(target.atLeast)}` : `≤ ${number(target.atMost)}`),
      met: target && ("atLeast" in target ? median >= target.atLeast : median <= target.atMost),
    };
  });
  return { scenario: scenario.name, what: scenario.what, figures };
}

/** The table that a person reads. */
export function tableOf(all: readonly Measured[]): string {
  const rows = [["scenario", "figure", "median", "min – max", "target", ""]];
  for (const { scenario, figures } of all) {
    figures.forEach((figure, i) => {
      rows.push([
        i === 0 ? scenario : "",
        figure.name,
        `${number(figure.median)} ${figure.unit}`,
        `${number(figure.min)} – ${number(figure.max)}`,
        figure.target ?? "",
        figure.met === undefined ? "" : figure.met ? "met" : "MISSED",
      ]);
    });
  }
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length))) ?? [];
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] as number))
      .join("  ")
      .trimEnd();
  return [
    line(rows[0] as string[]),
    line(widths.map((width) => "─".repeat(width))),
    ...rows.slice(1).map(line),
  ].join("\n");
}

/** What the figures are measured on, and how busy it is just now: beside other work they say little. */
export function machine() {
  const [cpu] = cpus();
  return {
    node: process.version,
    os: `${process.platform} ${release()}`,
    cpu: cpu?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore: Number(loadavg()[0]?.toFixed(1)),
  };
}

/** A number with three digits or so. */
export function number(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}
