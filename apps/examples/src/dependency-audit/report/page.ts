import { createHash } from "node:crypto";
import type { Duplicate } from "../duplicates.js";
import type { LicenceSummary } from "../licence-report.js";
import type { Project, WorkspaceEntry } from "../package-list.js";
import type { PackageReport } from "../package-report.js";
import type { Heavy, SizeReport } from "../size-report.js";
import { barChart, classDonut, tone } from "./charts.js";
import { duplicateSection } from "./duplicate-table.js";
import { bytes, count, percent, plural } from "./figures.js";
import { html, type Markup, verbatim } from "./markup.js";
import { packageSection } from "./package-table.js";
import { problemSection } from "./problem-list.js";
import { script } from "./script.js";
import { style } from "./style.js";

/** All that the page shows. */
export interface Audit {
  readonly project: Project;
  readonly workspaces: readonly WorkspaceEntry[];
  readonly packages: readonly PackageReport[];
  readonly licences: LicenceSummary;
  readonly duplicates: readonly Duplicate[];
  readonly sizes: SizeReport;
  /** The names of the reports that lie beside the page. */
  readonly files: readonly string[];
}

const BARS = 12;
const LICENCES = 8;

/** The whole audit as one page that needs nothing else: no network, no server, and no script to be readable. */
export function renderPage(audit: Audit): string {
  const { project, packages, licences, duplicates, sizes } = audit;
  // The hash lets exactly our script run, so that no text from a package could become one even if escaping had a hole.
  const hash = createHash("sha256").update(script).digest("base64");
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>Dependency audit of ${project.name}</title>
<style>${verbatim(style)}</style>
</head>
<body>
<main>
  ${heading(audit)}
  ${figureRow(audit)}
  <section id="licences">
    <h2>Licences</h2>
    <p class="hint">What the licences ask of who uses the code. Where a statement and a text disagree, the stricter counts.</p>
    <div class="pair inner">
      <div><h3>By class</h3>${classDonut(licences)}</div>
      <div><h3>By licence</h3>${licenceBars(licences)}</div>
    </div>
  </section>
  <section id="sizes">
    <h2>Heaviest packages</h2>
    <p class="hint">${bytes(sizes.bytes)} in ${plural(sizes.files, "file")} of ${plural(sizes.packages, "installed package")}.</p>
    <div class="pair inner">
      <div><h3>By size</h3>${heavyBars(sizes.heaviestByBytes, ({ bytes }) => bytes, bytes)}</div>
      <div><h3>By number of files</h3>${heavyBars(sizes.heaviestByFiles, ({ files }) => files, count)}</div>
    </div>
  </section>
  ${problemSection(packages)}
  ${duplicateSection(duplicates)}
  ${packageSection(packages)}
  ${footing(audit)}
</main>
<script>${verbatim(script)}</script>
</body>
</html>
`;
  return page.markup;
}

function heading({ project, workspaces }: Audit): Markup {
  const own =
    workspaces.length > 0 && `; a project with ${plural(workspaces.length, "workspace")} of its own`;
  return html`<header>
    <p class="eyebrow">Dependency audit</p>
    <h1>${project.name}${project.version !== "" && html` <small>${project.version}</small>`}</h1>
    <p>What ${project.lockfile} lists and what node_modules has: licences, sizes, duplicates and what is wrong${own}.</p>
  </header>`;
}

function figureRow({ packages, licences, duplicates, sizes }: Audit): Markup {
  const all = packages.flatMap(({ problems }) => problems);
  const problems = all.filter(({ severity }) => severity === "problem").length;
  const permissive = licences.classes.find(({ policy }) => policy === "permissive")?.packages ?? 0;
  const distinct = new Set(licences.licences.map(({ licence }) => licence)).size;
  const extra = duplicates.reduce((sum, { extraBytes }) => sum + extraBytes, 0);
  const absent = packages.length - sizes.packages;
  const figure = (title: string, value: string, sub: string, alert = false): Markup =>
    html`<div class="figure${alert && " alert"}"><dt>${title}</dt><dd><div class="value">${value}</div><div class="sub">${sub}</div></dd></div>`;
  return html`<dl class="figures" style="margin:0">
    ${figure("Packages", count(packages.length), absent === 0 ? "all installed" : `${count(sizes.packages)} installed, ${count(absent)} not`)}
    ${figure("Size on disk", bytes(sizes.bytes), plural(sizes.files, "file"))}
    ${figure("Licences", count(distinct), `${percent(permissive, packages.length)} permissive`)}
    ${figure("In several versions", count(duplicates.length), extra === 0 ? "no extra space" : `${bytes(extra)} extra`)}
    ${figure("Problems", count(problems), plural(all.length - problems, "note"), problems > 0)}
  </dl>`;
}

function licenceBars({ licences }: LicenceSummary): Markup {
  const shown = licences.slice(0, licences.length > LICENCES + 1 ? LICENCES : LICENCES + 1);
  const rest = licences.slice(shown.length);
  const bars = shown.map(({ licence, policy, packages }) => ({
    name: licence,
    value: packages,
    label: count(packages),
    tone: tone(policy),
  }));
  const others = rest.reduce((sum, { packages }) => sum + packages, 0);
  return html`${barChart(bars)}${
    rest.length > 0 &&
    html`<p class="hint" style="margin:10px 0 0">and ${count(rest.length)} more, on ${plural(others, "package")}</p>`
  }`;
}

function heavyBars(
  list: readonly Heavy[],
  value: (one: Heavy) => number,
  show: (value: number) => string,
): Markup {
  if (list.length === 0) return html`<p class="good">Nothing is installed.</p>`;
  return barChart(
    list
      .slice(0, BARS)
      .map((one) => ({ name: one.name, detail: one.version, value: value(one), label: show(value(one)) })),
  );
}

function footing({ project, files }: Audit): Markup {
  const links = files.map((file, i) => html`${i > 0 && ", "}<a href="${file}">${file}</a>`);
  return html`<footer>
    <p>The same as data: ${links}.</p>
    <p>Packages are the entries of ${project.lockfile} under a node_modules folder that are not links${
      project.links > 0 &&
      html`; ${plural(project.links, "link")} to folders of the project ${project.links === 1 ? "is" : "are"} not counted`
    }. Optional packages that this machine does not have count as listed, with the licence that the lockfile gives, and
      without a size. The licence classes help to find what needs reading; they are no legal advice.</p>
  </footer>`;
}
