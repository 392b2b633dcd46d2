import { type Measured, number, type Report } from "./report.js";

type Row = Measured["figures"][number];

/** The reports as one Markdown table, a column each (the same scenarios under other settings), and what each scenario measures. */
export function markdownOf(reports: readonly Report[]): string {
  const [first] = reports;
  if (!first) return "";
  const notes = first.measured.map(({ scenario, what }) => `- **${scenario}**: ${what}.`);
  return `${[tableOf(reports, () => true), ...reports.map(conditionsOf), notes.join("\n")].join("\n\n")}\n`;
}

/** What a page shows that has room for a handful of lines: gains and the worst loss, as scenario and figure. */
const highlights = new Set([
  "bulk submit, against BullMQ",
  "no-op tasks, concurrency 100, against BullMQ",
  "no-op tasks, concurrency 1, against BullMQ",
  "chains of 5, inlined, against BullMQ",
  "submit to start, Jobbers p50",
  "POST /v1/runs, Jobbers",
  "POST /v1/runs, p99 at half load",
  "POST /v1/runs/bulk, Jobbers",
]);

/** The same in a handful of lines, and how many targets are missed. */
export function summaryOf(reports: readonly Report[]): string {
  if (reports.length === 0) return "";
  const table = tableOf(reports, (row, scenario) => highlights.has(`${scenario}, ${row.name}`));
  const tried = reports.flatMap(({ measured }) => measured.flatMap(({ figures }) => figures));
  const aimed = tried.filter(({ met }) => met !== undefined);
  const count = `Of ${aimed.length} targets, over all columns and figures, ${aimed.filter(({ met }) => met).length} are met.`;
  const columns = reports.map((report) => `${titleOf(report.store)}: ${measuredOn(report)}.`);
  return `${[table, [count, ...columns].join("\n")].join("\n\n")}\n`;
}

/** The table of some figures, of those of any of the reports. */
function tableOf(reports: readonly Report[], isShown: (row: Row, scenario: string) => boolean): string {
  const heads = ["scenario", "figure", ...reports.map(({ store }) => titleOf(store)), "target"];
  const rows = (reports[0] as Report).measured.flatMap(({ scenario, figures }) =>
    figures
      .filter((row) => isShown(row, scenario))
      .map(({ name }, i) => {
        const found = reports.map((report) => find(report, scenario, name));
        return [i === 0 ? scenario : "", name, ...found.map(cellOf), targetOf(found)];
      }),
  );
  return [heads, heads.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map(escaped).join(" | ")} |`)
    .join("\n");
}

function conditionsOf(report: Report): string {
  const [title, ...settings] = report.store.split(";");
  return [`${title}: ${measuredOn(report)}`, ...settings].join(";").concat(".");
}

function measuredOn({ rounds, machine }: Report): string {
  const { cpu, cores, memoryGiB, node, loadBefore } = machine;
  const of = rounds === 1 ? "1 round" : `median of ${rounds} rounds`;
  return `${of} on ${cores} cores (${cpu}), ${memoryGiB} GiB, Node ${node}, load before ${loadBefore}`;
}

/** The target of each column where they differ: a store has targets of its own. */
function targetOf(row: readonly (Row | undefined)[]): string {
  const targets = row.map((each) => each?.target ?? "–");
  const [first] = targets;
  if (targets.some((each) => each !== first)) return targets.join(" / ");
  return first === "–" ? "" : (first as string);
}

/** Where figures stand in the pages of this repository, and how much of them. */
export interface Place {
  readonly page: string;
  readonly of: Report["of"];
  textOf(reports: readonly Report[]): string;
}

export const places: readonly Place[] = [
  { page: "README.md", of: "engine", textOf: summaryOf },
  { page: "README.md", of: "http", textOf: summaryOf },
  { page: "docs/reference/figures.md", of: "engine", textOf: markdownOf },
  { page: "docs/reference/figures.md", of: "http", textOf: markdownOf },
];

/** Between these two the figures stand in a page. */
const marksOf = (of: Report["of"]) => [
  `<!-- figures of the ${of}, from apps/bench/figures -->`,
  `<!-- end of the figures of the ${of} -->`,
];

/** A page with a table between its marks; throws where it has none. */
export function withFigures(page: string, { of, textOf }: Place, reports: readonly Report[]): string {
  const marks = marksOf(of) as [string, string];
  const [before, behind] = marks.map((mark) => page.indexOf(mark)) as [number, number];
  if (before === -1 || behind < before) throw new Error(`the page lacks the marks ${marks.join(" and ")}`);
  return `${page.slice(0, before + marks[0].length)}\n\n${textOf(reports)}\n${page.slice(behind)}`;
}

function find(report: Report, scenario: string, figure: string): Row | undefined {
  return report.measured
    .find((each) => each.scenario === scenario)
    ?.figures.find(({ name }) => name === figure);
}

function cellOf(row: Row | undefined): string {
  if (!row) return "–";
  const value = row.unit === "ratio" ? `${number(row.median)}×` : `${number(row.median)} ${row.unit}`;
  return row.met === undefined ? value : `${value} ${row.met ? "✓" : "✗ missed"}`;
}

/** What stands before the first semicolon of a store's settings names the column. */
function titleOf(store: string): string {
  return store.split(";")[0] as string;
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|");
}
