import type { Duplicate } from "../duplicates.js";
import { largestFirst } from "../order.js";
import { bytes, count } from "./figures.js";
import { html, type Markup } from "./markup.js";

const ASKERS_SHOWN = 6;
// What comes after these is folded, since a large project has a hundred of them.
const ROWS_SHOWN = 15;

/** The section on packages that are present in several versions; the costliest first. */
export function duplicateSection(duplicates: readonly Duplicate[]): Markup {
  const sorted = duplicates.toSorted(
    largestFirst(
      (one) => one.extraBytes,
      (one) => one.name,
    ),
  );
  const folded = sorted.length > ROWS_SHOWN + 2 ? sorted.splice(ROWS_SHOWN) : [];
  return html`<section id="duplicates">
    <h2>Several versions</h2>
    <p class="hint">Packages that are present in more than one version, and who asks for each.
      “Extra” is what all but the newest version take on disk.</p>
    ${sorted.length === 0 ? html`<p class="good">None: every package is present in one version only.</p>` : table(sorted)}
    ${
      folded.length > 0 &&
      html`<details><summary>The other ${count(folded.length)}, which cost less</summary>${table(folded)}</details>`
    }
  </section>`;
}

function table(duplicates: readonly Duplicate[]): Markup {
  return html`<div class="scroll"><table>
    <thead><tr><th>Package</th><th>Versions, and who asks for them</th><th class="number">Extra</th></tr></thead>
    <tbody>${duplicates.map(row)}</tbody>
  </table></div>`;
}

function row({ name, versions, extraBytes }: Duplicate): Markup {
  return html`<tr>
    <td><b>${name}</b></td>
    <td><dl class="versions">${versions.map(
      ({ version, paths, askedBy }) =>
        html`<dt>${version}${paths.length > 1 && html`<span class="tag">${paths.length} copies</span>`}</dt><dd>${askers(askedBy)}</dd>`,
    )}</dl></td>
    <td class="number">${extraBytes > 0 ? bytes(extraBytes) : "–"}</td>
  </tr>`;
}

function askers(askedBy: Duplicate["versions"][number]["askedBy"]): string {
  if (askedBy.length === 0) return "nobody in the lockfile";
  const names = askedBy.slice(0, ASKERS_SHOWN).map(({ name, range }) => `${name} (${range})`);
  const more = askedBy.length - names.length;
  return names.join(", ") + (more > 0 ? ` and ${count(more)} more` : "");
}
