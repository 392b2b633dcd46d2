import { type Measured, number, type Report } from "./report.js";

type Row = Measured["figures"][number];

/** The reports as one Markdown table, a column each (the same scenarios under other settings), and what each scenario measures. */
export function markdownOf(reports: readonly Report[]): string {
  const [first] = reports;
  if (!first) return "";
  const notes = first.measured.map(({ scenario, what }) => `- **${scenario}**: ${what}.`);
  return `${[tableOf(reports, () => true), ...reports.map(conditionsOf), notes.join("\n")].join("\n\n")}\n`;
}

/** The same in short: what has a target. */
export function summaryOf(reports: readonly Report[]): string {
  const [first] = reports;
  if (!first) return "";
  return `${[tableOf(reports, ({ target }) => target !== undefined), conditionsOf(first)].join("\n\n")}\n`;
}

function tableOf(reports: readonly Report[], isShown: (row: Row) => boolean): string {
  const heads = ["scenario", "figure", ...reports.map(({ store }) => titleOf(store)), "target"];
  const rows = (reports[0] as Report).measured.flatMap(({ scenario, figures }) =>
    figures.filter(isShown).map((figure, i) => {
      const cells = reports.map((report) => cellOf(find(report, scenario, figure.name)));
      return [i === 0 ? scenario : "", figure.name, ...cells, figure.target ?? ""];
    }),
  );
  return [heads, heads.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map(escaped).join(" | ")} |`)
    .join("\n");
}

function conditionsOf({ store, rounds, machine }: Report): string {
  const { cpu, cores, memoryGiB, node, loadBefore } = machine;
  const where = `${cores} cores (${cpu}), ${memoryGiB} GiB, Node ${node}, load before ${loadBefore}`;
  return `${titleOf(store)}: median of ${rounds} rounds on ${where}. ${store}.`;
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
