import { expect, it } from "vitest";
import { markdownOf, summaryOf } from "../src/markdown.js";
import type { Report } from "../src/report.js";

const figure = (name: string, median: number, target?: string, met?: boolean) => ({
  ...{ name, unit: "ms", median, min: median, max: median },
  ...(target !== undefined && { target, met }),
});

function report(store: string, rounds: number, figures: ReturnType<typeof figure>[]): Report {
  const machine = {
    ...{ node: "v20", os: "linux", cpu: "CPU", cores: 2, memoryGiB: 4, loadBefore: rounds / 10 },
  };
  const measured = [{ scenario: "POST /v1/runs", what: "one run", figures }];
  return { ...{ of: "http", store, rounds, machine, measured } } as unknown as Report;
}

const reports = [
  report("redis; one server", 3, [figure("Jobbers", 1, "≥ 40", true), figure("p99 at half load", 2)]),
  report("sqlite; one file", 1, [
    figure("Jobbers", 3, "≥ 25", false),
    figure("p99 at half load", 4, "≤ 9", true),
  ]),
];

it("a row says the target of each column where they differ", () => {
  expect(markdownOf(reports)).toContain("| POST /v1/runs | Jobbers | 1 ms ✓ | 3 ms ✗ missed | ≥ 40 / ≥ 25 |");
  expect(markdownOf(reports)).toContain("|  | p99 at half load | 2 ms | 4 ms ✓ | – / ≤ 9 |");
});

it("the conditions of every column are told, in short too", () => {
  const [redis, sqlite] = ["median of 3 rounds on 2 cores", "1 round on 2 cores"];
  for (const text of [markdownOf(reports), summaryOf(reports)]) {
    expect(text).toContain(`redis: ${redis} (CPU), 4 GiB, Node v20, load before 0.3`);
    expect(text).toContain(`sqlite: ${sqlite} (CPU), 4 GiB, Node v20, load before 0.1`);
  }
  expect(markdownOf(reports)).toContain("load before 0.1; one file.");
  expect(summaryOf(reports)).toContain("Of 3 targets, over all columns and figures, 2 are met.");
});
