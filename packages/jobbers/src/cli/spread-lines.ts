import type { StepProgress } from "@jobbers/runs";
import { showDuration } from "./table.js";

type Summary = NonNullable<StepProgress["spread"]>;

/** How many queues of a map are shown: those with the most children. */
const MAX_QUEUES = 8;

/** How well the children of maps were laid over queues, a line for each map: `fetch[]  hash  skew 1.04  crawl-a 52 %, crawl-b 48 %`. */
export function spreadLines(progress: readonly StepProgress[]): string[] {
  return progress.flatMap(({ name, spread }) => (spread ? [`${name}  ${lineOf(spread)}`] : []));
}

function lineOf({ by, skew, queues, waitSpreadMs }: Summary): string {
  const largest = [...queues].sort((one, other) => other.count - one.count);
  const shown = largest.slice(0, MAX_QUEUES).map(({ queue, share }) => `${queue} ${percent(share)}`);
  const more = queues.length > MAX_QUEUES ? ` and ${queues.length - MAX_QUEUES} more` : "";
  const parts = [
    by,
    ...(skew === undefined ? [] : [`skew ${skew.toFixed(2)}`]),
    `${shown.join(", ")}${more}`,
    ...(waitSpreadMs === undefined ? [] : [waitsOf(queues)]),
  ];
  return parts.join("  ");
}

/** How long steps waited on average, from the quickest queue to the slowest. */
function waitsOf(queues: Summary["queues"]): string {
  const means = queues.flatMap(({ meanWaitMs }) => meanWaitMs ?? []);
  return `mean waits ${showDuration(Math.min(...means))} to ${showDuration(Math.max(...means))}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
