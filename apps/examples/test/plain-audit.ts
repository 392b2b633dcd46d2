import { createBom } from "../src/dependency-audit/cyclonedx.js";
import { findDuplicates } from "../src/dependency-audit/duplicates.js";
import { findLicence, type LicenceKnowledge } from "../src/dependency-audit/licence-finding.js";
import { loadPolicy } from "../src/dependency-audit/licence-policy.js";
import { licenceReport, summariseLicences } from "../src/dependency-audit/licence-report.js";
import { loadLicenceTemplates } from "../src/dependency-audit/licence-templates.js";
import { readManifest } from "../src/dependency-audit/manifest.js";
import { listPackages, type PackageEntry } from "../src/dependency-audit/package-list.js";
import { describePackage } from "../src/dependency-audit/package-report.js";
import { renderPage } from "../src/dependency-audit/report/page.js";
import { reportJson, writeReport } from "../src/dependency-audit/report-file.js";
import { reportSizes } from "../src/dependency-audit/size-report.js";
import { measurePackage } from "../src/dependency-audit/sizes.js";

let knowledge: Promise<LicenceKnowledge> | undefined;

/** The licence texts, loaded once a test file. */
export function licenceKnowledge(): Promise<LicenceKnowledge> {
  knowledge ??= Promise.all([loadLicenceTemplates(), loadPolicy()]).then(([templates, policy]) => ({
    templates,
    policy,
  }));
  return knowledge;
}

/** The audit's functions called one after another, without the engine. */
export async function plainAudit(dir: string) {
  const { project, workspaces, packages: entries } = await listPackages(dir);
  const known = await licenceKnowledge();
  const packages = await Promise.all(
    entries.map(async (entry: PackageEntry) => {
      const manifest = await readManifest(dir, entry.path);
      const licence = await findLicence(dir, entry.path, manifest, entry.licence, known);
      const size = await measurePackage(dir, entry.path, manifest);
      return describePackage(entry, manifest, licence, size);
    }),
  );
  const licences = licenceReport(packages);
  const duplicates = findDuplicates(project, workspaces, packages);
  const sizes = reportSizes(packages);
  const bom = createBom(project, workspaces, packages);
  const files = ["sbom.cdx.json", "licences.json", "duplicates.json", "sizes.json"];
  const summary = summariseLicences(packages);
  const page = renderPage({ project, workspaces, packages, licences: summary, duplicates, sizes, files });
  return { project, workspaces, packages, licences, duplicates, sizes, bom, page };
}

/** The reports of a plain audit, written as the tasks write them; answers their names. */
export async function writePlainAudit(dir: string, out: string): Promise<string[]> {
  const { licences, duplicates, sizes, bom, page } = await plainAudit(dir);
  return [
    await writeReport(out, "sbom.cdx.json", reportJson(bom)),
    await writeReport(out, "licences.json", reportJson(licences)),
    await writeReport(out, "duplicates.json", reportJson({ duplicates })),
    await writeReport(out, "sizes.json", reportJson(sizes)),
    await writeReport(out, "report.html", page),
  ];
}
