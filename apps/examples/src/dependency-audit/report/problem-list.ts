import { groupBy } from "../groups.js";
import type { PackageReport } from "../package-report.js";
import type { Problem, ProblemKind } from "../problems.js";
import { count } from "./figures.js";
import { html, type Markup } from "./markup.js";

// In the order in which they are shown.
const TITLES: Readonly<Record<ProblemKind, string>> = {
  missing: "Missing on disk",
  broken: "Broken package.json",
  "version differs": "Another version than the lockfile’s",
  "unresolved dependency": "Dependencies that the lockfile lacks",
  "licences disagree": "Statement and licence text disagree",
  "no licence": "No licence found",
  "unknown licence": "Licences without a policy class",
  "licence guessed": "Licences that had to be read with a guess",
  "licence variant": "Variants of the stated licence",
  "text unrecognised": "Licence texts that are not on the SPDX list",
  "not installed": "Not installed here",
};

// Beyond this many lines a list is folded, so that it does not hide what follows.
const FOLDED_FROM = 12;

/** The section that names everything a person should look at, by kind. */
export function problemSection(packages: readonly PackageReport[]): Markup {
  const found = packages.flatMap(({ entry, problems }) => problems.map((problem) => ({ entry, problem })));
  const groups = groupBy(found, ({ problem }) => problem.kind);
  const kinds = (Object.keys(TITLES) as ProblemKind[]).flatMap((kind) => {
    const group = groups.get(kind);
    return group === undefined ? [] : [{ kind, group }];
  });
  return html`<section id="problems">
    <h2>Worth a look</h2>
    <p class="hint">Problems want a person; notes are only worth knowing. None of them stopped the audit.</p>
    ${kinds.length === 0 && html`<p class="good">Nothing at all: every package is installed, and its licence is clear.</p>`}
    ${kinds.map(({ kind, group }) => {
      const grave = group[0]?.problem.severity === "problem";
      return html`<details${grave || group.length < FOLDED_FROM ? html` open` : null}>
        <summary>${TITLES[kind]} <span class="tag${grave && " alert"}">${count(group.length)}</span></summary>
        <ul class="problems">${group.map(({ entry, problem }) => line(entry, problem))}</ul>
      </details>`;
    })}
  </section>`;
}

function line({ name, version, path }: PackageReport["entry"], { message }: Problem): Markup {
  const elsewhere = path !== `node_modules/${name}`;
  return html`<li><b>${name}</b> <span class="muted">${version}</span> — ${withCommands(message)}${
    elsewhere && html`<span class="path">${path}</span>`
  }</li>`;
}

/** A message with what stands between backticks set as code. */
function withCommands(message: string): Markup[] {
  return message.split("`").map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
}
