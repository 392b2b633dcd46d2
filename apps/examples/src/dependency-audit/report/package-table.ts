import { POLICY_CLASSES } from "../licence-policy.js";
import type { PackageReport } from "../package-report.js";
import { tone } from "./charts.js";
import { bytes, count } from "./figures.js";
import { html, type Markup } from "./markup.js";

/** The section with every package; the page's script adds sorting and the filter. */
export function packageSection(packages: readonly PackageReport[]): Markup {
  return html`<section id="all">
    <h2>All packages</h2>
    <p class="hint">One row for each place in node_modules. Sizes are a package’s own files, without packages nested in it.</p>
    <div class="tools" id="tools" hidden>
      <input type="search" placeholder="Filter by name, path, licence …" aria-label="Filter the packages">
      <select aria-label="Licence class"><option value="">All classes</option>${POLICY_CLASSES.map(
        (policy) => html`<option>${policy}</option>`,
      )}</select>
      <output class="hint"></output>
    </div>
    <div class="scroll"><table id="packages">
      <thead><tr><th>Package</th><th>Licence</th><th class="secondary">Stated and text</th>
        <th class="number secondary">Files</th><th class="number">Size</th></tr></thead>
      <tbody>${packages.map(row)}</tbody>
    </table></div>
  </section>`;
}

function row({ entry, installed, licence, size }: PackageReport): Markup {
  const { name, version, path } = entry;
  const words = licence.concluded ?? licence.stated ?? "none";
  return html`<tr data-policy="${licence.policy}">
    <td class="wide" data-value="${name} ${version}"><b>${breakable(name)}</b> <span class="muted">${version}</span>${tags(entry)}${
      path !== `node_modules/${name}` && html`<span class="path">${path}</span>`
    }</td>
    <td data-value="${words}"><span class="licence"><span class="dot ${tone(licence.policy)}" title="${licence.policy}"></span>
      <span>${words}</span></span></td>
    <td class="secondary muted">${licence.verdict}</td>
    <td class="number secondary" data-value="${size.files}">${installed ? count(size.files) : "–"}</td>
    <td class="number" data-value="${size.bytes}">${installed ? bytes(size.bytes) : html`<span class="muted">not installed</span>`}</td>
  </tr>`;
}

function tags({ dev, optional, bundled }: PackageReport["entry"]): Markup[] {
  const names = [dev && "dev", optional && "optional", bundled && "bundled"];
  return names.flatMap((name) => (name === false ? [] : [html`<span class="tag">${name}</span>`]));
}

/** A name that may be broken behind its scope where the column is narrow. */
function breakable(name: string): Markup[] {
  return name.split("/").map((part, i) => (i === 0 ? html`${part}` : html`/<wbr>${part}`));
}
