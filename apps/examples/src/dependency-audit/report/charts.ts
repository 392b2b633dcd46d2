import type { PolicyClass } from "../licence-policy.js";
import type { LicenceSummary } from "../licence-report.js";
import { count, percent } from "./figures.js";
import { html, type Markup } from "./markup.js";

const TONES: Readonly<Record<PolicyClass, string>> = {
  permissive: "permissive",
  "weak copyleft": "weak",
  "strong copyleft": "strong",
  unknown: "unknown",
};

/** The style class that gives a policy class its colour. */
export function tone(policy: PolicyClass): string {
  return TONES[policy];
}

/** A ring of the policy classes' shares, with a legend that says the same in figures. */
export function classDonut({ classes }: LicenceSummary): Markup {
  const total = classes.reduce((sum, { packages }) => sum + packages, 0);
  let start = 0;
  const arcs = classes.flatMap(({ policy, packages }) => {
    if (packages === 0) return [];
    const share = (packages / total) * 100;
    const from = start;
    start += share;
    // A little is cut off each end so that neighbours are told apart without their colours.
    const length = share >= 100 ? 100 : Math.max(share - 0.8, 0.4);
    const dash = `${length.toFixed(2)} ${(100 - length).toFixed(2)}`;
    const arc = html`<circle class="${tone(policy)}" cx="60" cy="60" r="49" fill="none" stroke-width="15"
      pathLength="100" stroke-dasharray="${dash}" stroke-dashoffset="${(-from).toFixed(2)}"/>`;
    return [arc];
  });
  return html`<div class="donut">
    <svg viewBox="0 0 120 120" role="img" aria-label="Packages by licence class; the list beside it has the figures">
      <g transform="rotate(-90 60 60)">${arcs}</g>
      <text x="60" y="64" text-anchor="middle">${count(total)}</text>
      <text class="small" x="60" y="77" text-anchor="middle">packages</text>
    </svg>
    <ul class="legend">${classes.map(
      ({ policy, packages }) => html`<li><span class="dot ${tone(policy)}"></span><span>${policy}</span>
        <b>${count(packages)}</b><span>${percent(packages, total)}</span></li>`,
    )}</ul>
  </div>`;
}

/** One bar of a chart. */
export interface Bar {
  readonly name: string;
  readonly detail?: string;
  readonly value: number;
  readonly label: string;
  readonly tone?: string;
}

/** Horizontal bars, as long as their share of the longest. */
export function barChart(bars: readonly Bar[]): Markup {
  const longest = Math.max(1, ...bars.map(({ value }) => value));
  return html`<ol class="bars">${bars.map(
    ({ name, detail, value, label, tone }) => html`<li>
      <div class="label"><span class="name" title="${name}${detail && ` ${detail}`}"><b>${name}</b>${
        detail && html` <span class="muted">${detail}</span>`
      }</span><span class="value">${label}</span></div>
      <div class="track${tone && ` tone ${tone}`}"><i style="width:${((value / longest) * 100).toFixed(2)}%"></i></div>
    </li>`,
  )}</ol>`;
}
