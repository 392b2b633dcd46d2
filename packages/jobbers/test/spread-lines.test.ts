import { type QueueShare, summarizeSpread } from "@jobbers/core";
import type { StepProgress } from "@jobbers/runs";
import { expect, it } from "vitest";
import { spreadLines } from "../src/cli/spread-lines.js";

const share = (queue: string, count: number, waits = 0, waitedMs = 0): QueueShare => ({
  ...{ queue, count, waits, waitedMs, longestWaitMs: waitedMs },
});
const map = (queues: readonly string[], shares: readonly QueueShare[]): StepProgress => ({
  ...{ name: "fetch[]", kind: "map", depth: 0, total: 1, settled: 0, counts: {} },
  spread: summarizeSpread({ by: "hash", queues }, shares),
});

it("tells a map's skew and the share of each queue, the largest first", () => {
  const steps = [map(["crawl-a", "crawl-b"], [share("crawl-a", 48), share("crawl-b", 52)])];
  expect(spreadLines(steps)).toEqual(["fetch[]  hash  skew 1.04  crawl-b 52 %, crawl-a 48 %"]);
  expect(spreadLines([{ ...(steps[0] as StepProgress), spread: undefined }])).toEqual([]);
});

it("tells how far mean waits lie apart, and of many queues how many there are", () => {
  const queues = Array.from({ length: 10 }, (_, i) => `q${i}`);
  const [line] = spreadLines([map(queues, [share("q0", 2, 2, 240), share("q1", 2, 1, 3_400)])]);
  expect(line).toBe(
    "fetch[]  hash  skew 5.00  q0 50 %, q1 50 %, q2 0 %, q3 0 %, q4 0 %, q5 0 %, q6 0 %, q7 0 % and 2 more  mean waits 120ms to 3.4s",
  );
});
